/** Of package.json: records and cards say which program wrote them, and plans of another version are other plans. */
export const PROGRAM = { name: 'resta-web', version: '0.1.0' };
