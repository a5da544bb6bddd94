// Sees each new entry, from the stream of the table. Its words are in the log:
// aloft logs guestbook-dev-welcome
exports.handler = async ({ Records }) => {
  for (const { eventName, dynamodb } of Records) {
    if (eventName === 'INSERT') console.log(`Welcome, ${dynamodb.NewImage.name.S}!`);
  }
};
