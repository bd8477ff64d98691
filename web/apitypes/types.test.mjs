import { readFile } from 'node:fs/promises';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, it } from 'vitest';
import { DESCRIPTION, TYPES, types } from './types.mjs';

const described = () => readFile(DESCRIPTION, 'utf8');

it('is a valid description', async () => {
  const validator = new Validator();
  expect(await validator.validate(await described())).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
}, 60_000);

it('would not take an invalid one', async () => {
  const broken = (await described()).replace('operationId:', 'operationId: 7 #');
  expect((await new Validator().validate(broken)).valid).toBe(false);
}, 60_000);

it('gives the types that the application has: else run make golden', async () => {
  expect(await readFile(TYPES, 'utf8')).toBe(await types());
}, 60_000);
