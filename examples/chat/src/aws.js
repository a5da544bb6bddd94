// A client of AWS in forty lines, so that the example needs no modules. An
// application of yours would use those of the AWS SDK.
const { createHash, createHmac } = require('node:crypto');

const hash = (text) => createHash('sha256').update(text).digest('hex');
const hmac = (key, text) => createHmac('sha256', key).update(text).digest();
const { AWS_REGION: region, AWS_ENDPOINT_URL: endpoint } = process.env;

// send sends a signed POST.
const send = (service, url, more, body) => {
  const { AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = process.env;
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${time.slice(0, 8)}/${region}/${service}/aws4_request`;
  const headers = { host: url.host, 'x-amz-date': time, ...(token && { 'x-amz-security-token': token }), ...more };
  const names = Object.keys(headers).sort();
  const lines = names.map((name) => `${name}:${headers[name]}\n`).join('');
  const path = url.pathname.split('/').map(encodeURIComponent).join('/');
  const request = ['POST', path, '', lines, names.join(';'), hash(body)].join('\n');
  const signingKey = scope.split('/').reduce(hmac, 'AWS4' + secret);
  const signature = hmac(signingKey, ['AWS4-HMAC-SHA256', time, scope, hash(request)].join('\n')).toString('hex');
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${key}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return fetch(url, { method: 'POST', headers, body });
};

// dynamodb runs an operation of DynamoDB.
exports.dynamodb = async (operation, input) => {
  const url = new URL(endpoint || `https://dynamodb.${region}.amazonaws.com`);
  const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': `DynamoDB_20120810.${operation}` };
  const response = await send('dynamodb', url, headers, JSON.stringify(input));
  const output = await response.json();
  if (!response.ok) throw new Error(`${operation}: ${output.__type}: ${output.message || output.Message}`);
  return output;
};

// post sends text to a connection, and says whether it is still there.
exports.post = async ({ domainName, stage }, connection, text) => {
  const base = endpoint || `https://${domainName}/${stage}`;
  const response = await send('execute-api', new URL(`${base}/@connections/${encodeURIComponent(connection)}`), {}, text);
  if (!response.ok && response.status !== 410) throw new Error(`post: ${response.status} ${await response.text()}`);
  return response.ok;
};
