"""Wall and processor seconds of a piece of work in this process, without the imports before it; printed as one line of JSON."""

import json
import resource
import time
from collections.abc import Callable


def measured(work: Callable[[], None]) -> None:
    def processor() -> float:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime

    processor_before, begun = processor(), time.perf_counter()
    work()
    seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "cpu": processor() - processor_before}))
