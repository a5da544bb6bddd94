import middy from '@middy/core';
import httpErrorHandler from '@middy/http-error-handler';
import httpJsonBodyParser from '@middy/http-json-body-parser';
import validator from '@middy/validator';
import { transpileSchema } from '@middy/validator/transpile';

const eventSchema = transpileSchema({ type: 'object', required: ['body'], properties: { body: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } } } });

export const handler = middy()
  .use(httpJsonBodyParser())
  .use(validator({ eventSchema }))
  .use(httpErrorHandler({ logger: false }))
  .handler(async (event, context) => ({ statusCode: 200, body: `hello ${event.body.name}` }));
