// The page. Its WebSocket API is a neighbour of the API that the page is from.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');

const page = readFileSync(join(__dirname, 'page.html'), 'utf8').replace('{{api}}', process.env.SOCKETS);

exports.handler = async () => ({ statusCode: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: page });
