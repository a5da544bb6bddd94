// User pools as web applications use them: Amplify's library signs in by SRP, so
// that no password is sent, and aws-jwt-verify takes the tokens.
const assert = require('node:assert');
const crypto = require('node:crypto');
const http = require('node:http');
const idp = require('@aws-sdk/client-cognito-identity-provider');
const { CognitoIdentityClient, GetIdCommand, GetCredentialsForIdentityCommand, CreateIdentityPoolCommand, SetIdentityPoolRolesCommand } = require('@aws-sdk/client-cognito-identity');
const { IAMClient, CreateRoleCommand } = require('@aws-sdk/client-iam');
const { STSClient, GetCallerIdentityCommand } = require('@aws-sdk/client-sts');
const { CognitoUserPool, CognitoUser, AuthenticationDetails, CognitoUserAttribute } = require('amazon-cognito-identity-js');
const { CognitoJwtVerifier } = require('aws-jwt-verify');

const endpoint = process.env.AWS_ENDPOINT_URL;
const client = new idp.CognitoIdentityProviderClient({});

// get is the body of a page, by the host that it is at.
const get = (path, headers = {}) => new Promise((resolve, reject) => {
  http.get(new URL(path, endpoint), { headers }, (r) => {
    let body = '';
    r.on('data', (chunk) => { body += chunk; });
    r.on('end', () => resolve(body));
  }).on('error', reject);
});

// letter is the latest that was written to someone, who may have to wait for it.
const letter = async (to, after) => {
  for (let i = 0; i < 300; i++) {
    const { letters } = JSON.parse(await get(`/_aloft/inbox?to=${encodeURIComponent(to)}`));
    if (letters.length > after) return letters[0].Body;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`nothing was written to ${to}`);
};

// code is that of an authenticator app.
const code = (secret, step) => {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret].map((c) => letters.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(step));
  const sum = crypto.createHmac('sha1', key).update(time).digest();
  return String((sum.readUInt32BE(sum[19] & 15) & 0x7fffffff) % 1e6).padStart(6, '0');
};

// signIn signs a user in as the library does it; answers says how challenges are met.
const signIn = (user, name, password, answers = {}) => new Promise((resolve, reject) => {
  const callbacks = { onSuccess: resolve, onFailure: reject };
  for (const [event, answer] of Object.entries(answers)) callbacks[event] = (...said) => answer(callbacks, ...said);
  user.authenticateUser(new AuthenticationDetails({ Username: name, Password: password }), callbacks);
});

(async () => {
  const { UserPool: { Id: UserPoolId } } = await client.send(new idp.CreateUserPoolCommand({ PoolName: 'people', UsernameAttributes: ['email'], AutoVerifiedAttributes: ['email'], UsernameConfiguration: { CaseSensitive: false } }));
  const { UserPoolClient: { ClientId } } = await client.send(new idp.CreateUserPoolClientCommand({ UserPoolId, ClientName: 'web', PreventUserExistenceErrors: 'ENABLED' }));
  const pool = new CognitoUserPool({ UserPoolId, ClientId, endpoint });
  const email = 'Eve@example.com', password = 'Passw0rd!é';

  // Sign up, confirm, and sign in by SRP.
  const { userConfirmed } = await new Promise((resolve, reject) => pool.signUp(email, password, [new CognitoUserAttribute({ Name: 'name', Value: 'Eve' })], null, (err, out) => (err ? reject(err) : resolve(out))));
  assert.equal(userConfirmed, false);
  const user = new CognitoUser({ Username: 'eve@example.com', Pool: pool });
  const sent = (await letter(email, 0)).match(/\d{6}/)[0];
  await new Promise((resolve, reject) => user.confirmRegistration(sent, false, (err, out) => (err ? reject(err) : resolve(out))));
  await assert.rejects(signIn(user, 'eve@example.com', 'wrong'), { code: 'NotAuthorizedException', message: 'Incorrect username or password.' });
  const nobody = new CognitoUser({ Username: 'bob@example.com', Pool: pool });
  await assert.rejects(signIn(nobody, 'bob@example.com', 'wrong'), { code: 'NotAuthorizedException', message: 'Incorrect username or password.' });
  const session = await signIn(user, 'eve@example.com', password);
  const claims = session.getIdToken().payload;
  assert.equal(claims.email, email);
  assert.equal(claims.email_verified, true);
  assert.equal(claims['cognito:username'], claims.sub);

  // The tokens are AWS's, to who verifies them.
  for (const [tokenUse, token] of [['id', session.getIdToken().getJwtToken()], ['access', session.getAccessToken().getJwtToken()]]) {
    const verifier = CognitoJwtVerifier.create({ userPoolId: UserPoolId, tokenUse, clientId: ClientId });
    verifier.cacheJwks(JSON.parse(await get(`/${UserPoolId}/.well-known/jwks.json`)));
    assert.equal((await verifier.verify(token)).sub, claims.sub);
  }
  const attributes = await new Promise((resolve, reject) => user.getUserAttributes((err, out) => (err ? reject(err) : resolve(out))));
  assert.equal(attributes.find((a) => a.Name === 'name').Value, 'Eve');
  await new Promise((resolve, reject) => user.refreshSession(session.getRefreshToken(), (err, out) => (err ? reject(err) : resolve(out))));
  await new Promise((resolve, reject) => user.changePassword(password, 'N3w-passw0rd', (err, out) => (err ? reject(err) : resolve(out))));

  // A second factor.
  await client.send(new idp.SetUserPoolMfaConfigCommand({ UserPoolId, MfaConfiguration: 'OPTIONAL', SoftwareTokenMfaConfiguration: { Enabled: true } }));
  const secret = await new Promise((resolve, reject) => user.associateSoftwareToken({ associateSecretCode: resolve, onFailure: reject }));
  const step = Math.floor(Date.now() / 30000);
  await new Promise((resolve, reject) => user.verifySoftwareToken(code(secret, step), 'phone', { onSuccess: resolve, onFailure: reject }));
  await new Promise((resolve, reject) => user.setUserMfaPreference(null, { Enabled: true, PreferredMfa: true }, (err, out) => (err ? reject(err) : resolve(out))));
  await signIn(user, 'eve@example.com', 'N3w-passw0rd', { totpRequired: (callbacks) => user.sendMFACode(code(secret, step + 1), callbacks, 'SOFTWARE_TOKEN_MFA') });

  // Who is invited chooses a password.
  await client.send(new idp.AdminCreateUserCommand({ UserPoolId, Username: 'bob@example.com', TemporaryPassword: 'Temp0rary!', UserAttributes: [{ Name: 'email', Value: 'bob@example.com' }, { Name: 'email_verified', Value: 'true' }] }));
  assert.match(await letter('bob@example.com', 0), /temporary password is Temp0rary!/);
  await signIn(nobody, 'bob@example.com', 'Temp0rary!', { newPasswordRequired: (callbacks) => nobody.completeNewPasswordChallenge('Passw0rd!', {}, callbacks) });
  const { Users } = await client.send(new idp.ListUsersCommand({ UserPoolId, Filter: 'email ^= "bob@"' }));
  assert.deepEqual(Users.map((u) => u.UserStatus), ['CONFIRMED']);

  // A password that was forgotten.
  await new Promise((resolve, reject) => nobody.forgotPassword({ onSuccess: resolve, onFailure: reject, inputVerificationCode: resolve }));
  const recovery = (await letter('bob@example.com', 1)).match(/\d{6}/)[0];
  await new Promise((resolve, reject) => nobody.confirmPassword(recovery, 'An0ther-one', { onSuccess: resolve, onFailure: reject }));
  const bob = await signIn(nobody, 'bob@example.com', 'An0ther-one');

  // Credentials of a role, for who has logged in.
  const identity = new CognitoIdentityClient({}), provider = `cognito-idp.us-east-1.amazonaws.com/${UserPoolId}`;
  const { IdentityPoolId } = await identity.send(new CreateIdentityPoolCommand({ IdentityPoolName: 'p', AllowUnauthenticatedIdentities: false, CognitoIdentityProviders: [{ ClientId, ProviderName: provider }] }));
  const trust = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: { Federated: 'cognito-identity.amazonaws.com' }, Action: 'sts:AssumeRoleWithWebIdentity', Condition: { StringEquals: { 'cognito-identity.amazonaws.com:aud': IdentityPoolId } } }] };
  const { Role } = await new IAMClient({}).send(new CreateRoleCommand({ RoleName: 'member', AssumeRolePolicyDocument: JSON.stringify(trust) }));
  await identity.send(new SetIdentityPoolRolesCommand({ IdentityPoolId, Roles: { authenticated: Role.Arn } }));
  const Logins = { [provider]: bob.getIdToken().getJwtToken() };
  const { IdentityId } = await identity.send(new GetIdCommand({ IdentityPoolId, Logins }));
  const { Credentials: c } = await identity.send(new GetCredentialsForIdentityCommand({ IdentityId, Logins }));
  const who = await new STSClient({ credentials: { accessKeyId: c.AccessKeyId, secretAccessKey: c.SecretKey, sessionToken: c.SessionToken } }).send(new GetCallerIdentityCommand({}));
  assert.match(who.Arn, /assumed-role\/member\/CognitoIdentityCredentials$/);
})().catch((err) => {
  console.error(err);
  process.exit(1);
});
