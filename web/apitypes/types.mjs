// The types of weir's API, made out of its description. Run by itself it writes them where the application
// has them.
import { readFile, writeFile } from 'node:fs/promises';
import openapiTS, { astToString } from 'openapi-typescript';

export const DESCRIPTION = new URL('openapi.yaml', import.meta.url);
export const TYPES = new URL('../src/api/schema.ts', import.meta.url);

const HEAD = '// Made by apitypes/types.mjs out of apitypes/openapi.yaml. Run `make golden` instead of changing it.\n\n';

/** The text of the types. */
export async function types() {
  return HEAD + astToString(await openapiTS(await readFile(DESCRIPTION, 'utf8'), { alphabetize: true, emptyObjectsUnknown: true }));
}

if (process.argv[1] === new URL(import.meta.url).pathname) await writeFile(TYPES, await types());
