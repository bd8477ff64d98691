// A small OpenID provider, where somebody is signed in already and agrees to everything.
import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { createServer } from 'node:http';

const LIFE_S = 300;

const part = (v) => Buffer.from(typeof v === 'string' ? v : JSON.stringify(v)).toString('base64url');

export class Provider {
  /** `person` is what the id_token says of who is signed in there. */
  static async start(person) {
    const provider = new Provider();
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    Object.assign(provider, { person, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: 'RS256' }, codes: new Map() });
    provider.server = createServer((q, r) => {
      provider.answer(q, r).catch((err) => { r.writeHead(500).end(String(err)); });
    });
    await new Promise((done) => { provider.server.listen(0, '127.0.0.1', done); });
    provider.issuer = `http://127.0.0.1:${provider.server.address().port}`;
    return provider;
  }

  /** The settings that make a weir offer it as "Acme". */
  settings() {
    return { WEIR_OIDC_PROVIDERS: 'acme', WEIR_OIDC_ACME_ISSUER: this.issuer, WEIR_OIDC_ACME_CLIENT_ID: 'weir', WEIR_OIDC_ACME_CLIENT_SECRET: 'hush', WEIR_OIDC_ACME_TITLE: 'Acme' };
  }

  async answer(request, response) {
    const url = new URL(request.url, this.issuer);
    const json = (body) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    switch (url.pathname) {
      case '/.well-known/openid-configuration':
        return json({
          issuer: this.issuer, authorization_endpoint: `${this.issuer}/authorize`, token_endpoint: `${this.issuer}/token`, jwks_uri: `${this.issuer}/keys`,
          response_types_supported: ['code'], subject_types_supported: ['public'], id_token_signing_alg_values_supported: ['RS256'],
        });
      case '/keys': return json({ keys: [this.jwk] });
      case '/authorize': return this.authorize(url.searchParams, response);
      case '/token': return this.token(request, json);
      default: return response.writeHead(404).end();
    }
  }

  authorize(asked, response) {
    const code = randomUUID();
    this.codes.set(code, { nonce: asked.get('nonce'), challenge: asked.get('code_challenge') });
    const back = new URL(asked.get('redirect_uri'));
    back.searchParams.set('code', code);
    back.searchParams.set('state', asked.get('state'));
    response.writeHead(303, { location: back.href }).end();
  }

  async token(request, json) {
    let body = '';
    for await (const piece of request) body += piece;
    const given = new URLSearchParams(body);
    const { nonce, challenge } = this.codes.get(given.get('code'));
    if (createHash('sha256').update(given.get('code_verifier')).digest('base64url') !== challenge) throw new Error('the verifier is another one');
    const now = Math.floor(Date.now() / 1000);
    const claims = { ...this.person, iss: this.issuer, aud: 'weir', nonce, iat: now, exp: now + LIFE_S };
    const signed = `${part({ alg: 'RS256', kid: 'one' })}.${part(claims)}`;
    json({ access_token: randomUUID(), token_type: 'Bearer', expires_in: LIFE_S, id_token: `${signed}.${sign('sha256', Buffer.from(signed), this.privateKey).toString('base64url')}` });
  }

  close() {
    this.server.closeAllConnections();
    return new Promise((done) => { this.server.close(done); });
  }
}
