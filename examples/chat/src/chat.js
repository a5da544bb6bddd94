// Who is connected stands in a table; what one says is posted to all of them.
const { dynamodb, post } = require('./aws');

const TableName = process.env.TABLE;
const key = (id) => ({ id: { S: id } });

exports.handler = async ({ requestContext, body }) => {
  switch (requestContext.routeKey) {
    case '$connect':
      await dynamodb('PutItem', { TableName, Item: key(requestContext.connectionId) });
      break;
    case '$disconnect':
      await dynamodb('DeleteItem', { TableName, Key: key(requestContext.connectionId) });
      break;
    default: {
      const { name, text } = JSON.parse(body);
      const said = JSON.stringify({ name: String(name), text: String(text), at: requestContext.requestTimeEpoch });
      const { Items } = await dynamodb('Scan', { TableName });
      await Promise.all(Items.map(async ({ id }) => {
        if (!(await post(requestContext, id.S, said))) await dynamodb('DeleteItem', { TableName, Key: key(id.S) });
      }));
    }
  }
  return { statusCode: 200 };
};
