"""mergekit in this process, as its command `mergekit-yaml CONFIG OUT` does it: python run_mergekit.py CONFIG OUT."""

import sys

from measured import measured
from mergekit.scripts.run_yaml import main

config, out = sys.argv[1:]
# The made models have no tokenizer.
measured(lambda: main([config, out, "--no-copy-tokenizer", "--quiet"], standalone_mode=False))
