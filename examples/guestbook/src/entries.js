// The entries of the book: reading them, newest first, and adding one.
const { dynamodb } = require('./dynamodb');

const answer = (statusCode, body) => ({
  statusCode,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

exports.list = async () => {
  const { Items } = await dynamodb('Query', {
    TableName: process.env.TABLE,
    KeyConditionExpression: 'book = :book',
    ExpressionAttributeValues: { ':book': { S: 'guests' } },
    ScanIndexForward: false,
    Limit: 50,
  });
  return answer(200, Items.map((i) => ({ at: i.at.S, name: i.name.S, text: i.text.S })));
};

exports.sign = async (event) => {
  let entry;
  try {
    const body = event.isBase64Encoded ? Buffer.from(event.body, 'base64').toString() : event.body;
    entry = JSON.parse(body);
  } catch {
    return answer(400, { error: 'the body is no JSON' });
  }
  const name = String(entry?.name ?? '').trim().slice(0, 60);
  const text = String(entry?.text ?? '').trim().slice(0, 500);
  if (!name || !text) return answer(400, { error: 'want a name and a text' });
  const at = new Date().toISOString();
  await dynamodb('PutItem', {
    TableName: process.env.TABLE,
    Item: { book: { S: 'guests' }, at: { S: at }, name: { S: name }, text: { S: text } },
  });
  return answer(201, { at, name, text });
};
