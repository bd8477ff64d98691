import { describe, expect, it } from 'vitest';
import { Refusal, sentence, words } from './problem';

describe('Refusal', () => {
  it('reads problem details', () => {
    const r = new Refusal(422, { type: 'about:blank', title: 'Unprocessable Entity', status: 422, code: 'invalid', detail: 'the input is not valid', errors: [{ name: 'body.email', problem: 'is taken' }, { name: 'path.id', problem: 'must be a UUID' }] });
    expect(r).toMatchObject({ status: 422, code: 'invalid', message: 'The input is not valid.', fields: { email: 'is taken', 'path.id': 'must be a UUID' } });
    expect(words(r)).toBe('The input is not valid.');
  });

  it.each([undefined, null, '', 'a page', {}])('reads %j', (body) => {
    expect(new Refusal(502, body)).toMatchObject({ status: 502, code: '', message: 'The server answered 502.', fields: {} });
  });

  it('has words for what is no answer', () => {
    expect(words(new TypeError('fetch failed'))).toContain('No answer');
  });
});

describe('sentence', () => {
  it.each([['', ''], ['is wrong', 'Is wrong.'], ['Really?', 'Really?']])('%j', (text, want) => {
    expect(sentence(text)).toBe(want);
  });
});
