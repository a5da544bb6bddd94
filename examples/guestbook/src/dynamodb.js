// A client of DynamoDB in thirty lines, so that the example needs no modules.
// An application of yours would use @aws-sdk/client-dynamodb.
const { createHash, createHmac } = require('node:crypto');

const hash = (text) => createHash('sha256').update(text).digest('hex');
const hmac = (key, text) => createHmac('sha256', key).update(text).digest();

exports.dynamodb = async (operation, input) => {
  const { AWS_REGION: region, AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = process.env;
  const url = new URL(process.env.AWS_ENDPOINT_URL || `https://dynamodb.${region}.amazonaws.com`);
  const body = JSON.stringify(input);
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${time.slice(0, 8)}/${region}/dynamodb/aws4_request`;
  const headers = {
    'content-type': 'application/x-amz-json-1.0',
    host: url.host,
    'x-amz-date': time,
    ...(token && { 'x-amz-security-token': token }),
    'x-amz-target': `DynamoDB_20120810.${operation}`,
  };
  const names = Object.keys(headers).join(';');
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`).join('');
  const request = ['POST', '/', '', lines, names, hash(body)].join('\n');
  const signingKey = scope.split('/').reduce(hmac, 'AWS4' + secret);
  const signature = hmac(signingKey, ['AWS4-HMAC-SHA256', time, scope, hash(request)].join('\n')).toString('hex');
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${key}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  const response = await fetch(url, { method: 'POST', headers, body });
  const output = await response.json();
  if (!response.ok) throw new Error(`${operation}: ${output.__type}: ${output.message || output.Message}`);
  return output;
};
