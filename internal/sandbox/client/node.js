'use strict';
// The Runtime API client for Node.js. It asks which function it is, loads it,
// and answers one event after the other on one connection.

const fs = require('fs');
const net = require('net');
const path = require('path');
const url = require('url');
const util = require('util');
const Module = require('module');
const { Writable } = require('stream');
const useCodes = require('./codes.js');

const API = '/2018-06-01/runtime/';
const get = (p) => `GET ${p} HTTP/1.1\r\nHost: aloft\r\n\r\n`;
const NEXT = get(API + 'invocation/next');
const FUNCTION = get('/aloft/function');
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const WATERMARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');

// ---- errors, in AWS's words ----

function kind(name) {
  const c = { [name]: class extends Error {} }[name];
  c.prototype.name = 'Runtime.' + name;
  return c;
}
const ImportModuleError = kind('ImportModuleError');
const HandlerNotFound = kind('HandlerNotFound');
const MalformedHandlerName = kind('MalformedHandlerName');
const UserCodeSyntaxError = kind('UserCodeSyntaxError');
const MalformedStreamingHandler = kind('MalformedStreamingHandler');
const InvalidStreamingOperation = kind('InvalidStreamingOperation');
const UnhandledPromiseRejection = kind('UnhandledPromiseRejection');
const NodeJsExit = kind('NodeJsExit');
const EXIT =
  'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that was never settled. ' +
  'For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes';

const isError = (e) =>
  util.types.isNativeError(e) || (e && typeof e.name === 'string' && typeof e.message === 'string' && typeof e.stack === 'string' && e.name && e.message && e.stack);

// document is what the caller of the function gets of an error.
function document(e) {
  try {
    if (!isError(e)) return { errorType: typeof e, errorMessage: String(e), trace: [] };
    const clean = (s) => (s === undefined ? s : String(s).replace(/\x7f/g, '%7F'));
    return { errorType: clean(e.name), errorMessage: clean(e.message), trace: clean(e.stack).split('\n') };
  } catch {
    return { errorType: 'handled', errorMessage: 'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack' };
  }
}

// ---- the log: console writes frames, which keep messages whole ----

let requestId;
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

function frame(message) {
  const length = Buffer.byteLength(message);
  const b = Buffer.allocUnsafe(16 + length);
  b.writeUInt32BE(0xa55a0003, 0);
  b.writeUInt32BE(length, 4);
  b.writeBigUInt64BE(BigInt(Date.now()) * 1000n, 8);
  b.write(message, 16);
  for (let at = 0; at < b.length; ) at += fs.writeSync(1, b, at);
}

const text = (level, args) => frame(`${new Date().toISOString()}\t${requestId}\t${level}\t${util.format(...args)}\n`);

const withErrors = (_, v) =>
  v instanceof Error ? { errorType: (v.constructor && v.constructor.name) || 'UnknownError', errorMessage: v.message, stackTrace: typeof v.stack === 'string' ? v.stack.split('\n') : v.stack, ...v } : v;

function json(level, args) {
  const line = { timestamp: new Date().toISOString(), level, requestId };
  if (args.length === 1) {
    try {
      return frame(JSON.stringify({ ...line, message: args[0] }, withErrors) + '\n');
    } catch {}
  }
  line.message = util.format(...args);
  const e = args.find((a) => a instanceof Error);
  if (e && args.length > 1) Object.assign(line, { errorType: (e.constructor && e.constructor.name) || 'UnknownError', errorMessage: e.message, stackTrace: typeof e.stack === 'string' ? e.stack.split('\n') : [] });
  frame(JSON.stringify(line) + '\n');
}

let logError;
function patchConsole() {
  const inJSON = (process.env.AWS_LAMBDA_LOG_FORMAT || '').toUpperCase() === 'JSON';
  const lowest = Math.max(0, LEVELS.indexOf((process.env.AWS_LAMBDA_LOG_LEVEL || '').toUpperCase()));
  const write = inJSON ? json : text;
  LEVELS.forEach((level, i) => {
    console[level.toLowerCase()] = i >= lowest || level === 'FATAL' ? (...args) => write(level, args) : () => {};
  });
  console.log = console.info;
  const asError = (e) => (e instanceof Error ? e : new Error(e));
  logError = inJSON ? (_, e) => console.error(asError(e)) : (what, e) => console.error(what, formatted(asError(e)));
}

function formatted(e) {
  try {
    return '\t' + JSON.stringify(e, (_, v) => (v instanceof Error ? { errorType: v.name, errorMessage: v.message, code: v.code, ...v, stack: typeof v.stack === 'string' ? v.stack.split('\n') : undefined } : v));
  } catch {
    return '\t' + JSON.stringify(document(e));
  }
}

// ---- loading the function ----

const exists = (p) => fs.existsSync(p);

// isModule says if the nearest package.json makes a .js file an ES module.
function isModule(dir) {
  for (; !dir.endsWith('/node_modules'); dir = path.dirname(dir)) {
    const p = path.join(dir, 'package.json');
    if (exists(p)) {
      try {
        return JSON.parse(fs.readFileSync(p)).type === 'module';
      } catch (e) {
        console.warn(`${p} cannot be read, it will be ignored for ES module detection purposes.`, e);
        return false;
      }
    }
    if (dir === path.dirname(dir)) break;
  }
  return false;
}

async function loadModule(root, dir, name) {
  const file = path.resolve(root, dir, name);
  if (exists(file) && fs.statSync(file).isFile()) return require(file);
  if (exists(file + '.js')) return isModule(path.dirname(file)) ? import(file + '.js') : require(file + '.js');
  if (exists(file + '.mjs')) return import(file + '.mjs');
  if (exists(file + '.cjs')) return require(file + '.cjs');
  return require(require.resolve(name, { paths: [root, path.resolve(root, dir)] }));
}

async function load(root, handler) {
  if (handler.includes('..')) throw new MalformedHandlerName(`'${handler}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  const base = path.basename(handler);
  const match = /^([^.]*)\.(.*)$/.exec(base);
  if (!match) throw new MalformedHandlerName('Bad handler');
  let app;
  try {
    app = await loadModule(root, handler.slice(0, handler.indexOf(base)), match[1]);
  } catch (e) {
    if (e instanceof SyntaxError) throw new UserCodeSyntaxError(e);
    if (e && e.code === 'MODULE_NOT_FOUND') throw new ImportModuleError(e);
    throw e;
  }
  const f = match[2].split('.').reduce((o, key) => o && o[key], app);
  if (!f) throw new HandlerNotFound(`${handler} is undefined or not exported`);
  if (typeof f !== 'function') throw new HandlerNotFound(`${handler} is not a function`);
  if (f[STREAMING] && f[STREAMING] !== 'response') throw new MalformedStreamingHandler('Only response streaming is supported.');
  return f;
}

globalThis.awslambda = {
  streamifyResponse(handler, options) {
    handler[STREAMING] = 'response';
    if (options && typeof options.highWaterMark === 'number') handler[WATERMARK] = parseInt(options.highWaterMark);
    return handler;
  },
  HttpResponseStream: {
    from(stream, prelude) {
      stream.setContentType('application/vnd.awslambda.http-integration-response');
      const head = JSON.stringify(prelude);
      stream._onBeforeFirstWrite = (write) => {
        write(head);
        write(new Uint8Array(8));
      };
      return stream;
    },
  },
};

// ---- the connection ----

let socket;
let handler;
let done = () => {}; // what to do when nothing is left to do

// send posts what came of an event, and asks for the next one in the same breath.
let training = +process.env.ALOFT_TRAIN || 0;

function send(id, verb, type, body, after) {
  const head = `POST ${API}invocation/${id}/${verb} HTTP/1.1\r\nHost: aloft\r\nContent-Type: application/json\r\n${type}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
  done = () => {};
  socket.ref();
  if (after) return socket.write(head + body, after);
  if (training > 0 && --training === 0) {
    handler = requestId = undefined;
    return socket.write(head + body + FUNCTION);
  }
  socket.write(body.length < 65536 ? head + body + NEXT : head);
  if (body.length < 65536) return;
  socket.write(body);
  socket.write(NEXT);
}

const errorType = (d) => `Lambda-Runtime-Function-Error-Type: ${String(d.errorType).replace(/[^\x20-\x7e]/g, '')}\r\n`;

function fail(id, error, after) {
  const d = document(error);
  send(id, 'error', errorType(d), JSON.stringify(d), after);
}

function succeed(id, result) {
  let body;
  try {
    body = JSON.stringify(result === undefined ? null : result);
    if (body === undefined) body = 'null';
  } catch {
    const e = new Error('Unable to stringify response body');
    logError('Invoke Error', e);
    return fail(id, e);
  }
  send(id, 'response', '', body);
}

const parse = (s, name) => {
  if (s === undefined) return undefined;
  try {
    return JSON.parse(s);
  } catch (e) {
    throw new Error(`Cannot parse ${name} as json: ${e.toString()}`);
  }
};

// describe adds to a context what is known of the function and the event.
function describe(context, headers) {
  const trace = headers['lambda-runtime-trace-id'];
  if (trace) process.env._X_AMZN_TRACE_ID = trace;
  else delete process.env._X_AMZN_TRACE_ID;
  const deadline = headers['lambda-runtime-deadline-ms'];
  return Object.assign(context, {
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parse(headers['lambda-runtime-client-context'], 'ClientContext'),
    identity: parse(headers['lambda-runtime-cognito-identity'], 'CognitoIdentity'),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: requestId,
    tenantId: headers['lambda-runtime-aws-tenant-id'],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  });
}

function invoke(headers, body) {
  const id = headers['lambda-runtime-aws-request-id'];
  requestId = globalThis[Symbol.for('aws.lambda.runtime.requestId')] = id;
  socket.unref(); // so that an event loop without work of the function is empty
  if (handler[STREAMING]) return invokeStreaming(id, headers, body);
  let answered = false; // by the function
  let waits = true;
  const end = (error, result) => {
    if (error !== undefined && error !== null) {
      logError('Invoke Error', error);
      fail(id, error);
    } else succeed(id, result);
  };
  const once = (f) => (...args) => {
    if (answered) return;
    answered = true;
    f(...args);
  };
  const callback = once((error, result) => {
    if (!waits || (error !== undefined && error !== null)) end(error, result);
    else done = () => setImmediate(end, null, result);
  });
  const context = {
    get callbackWaitsForEmptyEventLoop() {
      return waits;
    },
    set callbackWaitsForEmptyEventLoop(v) {
      waits = v;
    },
    succeed: once((result) => end(null, result)),
    fail: once((error) => end(error === undefined || error === null ? 'handled' : error)),
    done: once(end),
  };
  done = () => {
    answered = true;
    if (!(handler.constructor && handler.constructor.name === 'AsyncFunction')) return succeed(id, null);
    const e = new NodeJsExit(EXIT);
    logError('Invoke Error', e);
    fail(id, e);
  };
  try {
    const result = handler(JSON.parse(body), describe(context, headers), callback);
    if (result && typeof result.then === 'function') result.then(context.succeed, context.fail).then(undefined, context.fail);
  } catch (e) {
    callback(e);
  }
}

// A ResponseStream sends what is written to it as a chunked body.
class ResponseStream extends Writable {
  constructor(id, highWaterMark) {
    super({ decodeStrings: false, ...(highWaterMark ? { highWaterMark } : {}) });
    this.id = id;
    this.contentType = 'application/octet-stream';
    this.begun = false;
  }
  setContentType(type) {
    if (this.begun) throw new InvalidStreamingOperation('Cannot set content-type, too late.');
    this.contentType = String(type).replace(/[\r\n]/g, '');
  }
  write(chunk, ...rest) {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) chunk = JSON.stringify(chunk);
    return super.write(chunk, ...rest);
  }
  begin() {
    if (this.begun) return;
    this.begun = true;
    socket.write(
      `POST ${API}invocation/${this.id}/response HTTP/1.1\r\nHost: aloft\r\nContent-Type: ${this.contentType}\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n` +
        'Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    if (this._onBeforeFirstWrite) this._onBeforeFirstWrite((c) => this.chunk(Buffer.from(c)));
  }
  chunk(b, callback) {
    if (b.length === 0) return callback && callback();
    socket.cork();
    socket.write(b.length.toString(16) + '\r\n');
    socket.write(b);
    socket.write('\r\n', callback);
    socket.uncork();
  }
  _write(chunk, encoding, callback) {
    this.begin();
    this.chunk(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk, callback);
  }
  _final(callback) {
    this.begin();
    if (!this.failed) socket.write('0\r\n\r\n');
    callback();
  }
  fail(error) {
    logError('Invoke Error', error);
    const d = document(error);
    this.begin();
    if (!this.writableFinished) socket.write(`0\r\n${errorType(d)}Lambda-Runtime-Function-Error-Body: ${Buffer.from(JSON.stringify(d)).toString('base64')}\r\n\r\n`);
    this.failed = true;
    this.destroy();
  }
}

async function invokeStreaming(id, headers, body) {
  socket.ref();
  const stream = new ResponseStream(id, handler[WATERMARK]);
  const context = describe({ callbackWaitsForEmptyEventLoop: true }, headers);
  try {
    const result = handler(JSON.parse(body), stream, context);
    if (!result || typeof result.then !== 'function') throw 'Streaming does not support non-async handlers.';
    if ((await result) !== undefined) console.warn('Streaming handlers ignore return values.');
    if (!stream.writableFinished) {
      if (!stream.writableEnded) throw 'Response stream is not finished.';
      await new Promise((resolve, reject) => stream.once('finish', resolve).once('error', reject));
    }
  } catch (e) {
    stream.fail(e);
  }
  socket.write(NEXT);
}

// ---- reading answers: an event, the function we are, or a 202 ----

let head = null; // of the answer whose body is coming
let chunks = [];
let have = 0;

function onData(d) {
  chunks.push(d);
  have += d.length;
  while (have > 0) {
    if (!head) {
      const b = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
      const end = b.indexOf('\r\n\r\n');
      chunks = [b];
      if (end < 0) return;
      head = { headers: {}, length: 0 };
      for (const line of b.utf8Slice(0, end).split('\r\n').slice(1)) {
        const colon = line.indexOf(':');
        head.headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
      }
      head.length = +head.headers['content-length'] || 0;
      chunks = [b.subarray(end + 4)];
      have = chunks[0].length;
    }
    if (have < head.length) return;
    const b = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    const { headers, length } = head;
    head = null;
    chunks = [b.subarray(length)];
    have -= length;
    if (headers['lambda-runtime-aws-request-id']) invoke(headers, b.utf8Slice(0, length));
    else if (headers['content-type'] === 'application/vnd.aloft.function') become(JSON.parse(b.utf8Slice(0, length)));
  }
}

function reportInitError(error, code) {
  const d = document(error);
  const body = JSON.stringify(d);
  socket.write(`POST ${API}init/error HTTP/1.1\r\nHost: aloft\r\nContent-Type: application/json\r\n${errorType(d)}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`, () => process.exit(code));
}

// crash reports what the function did not catch, and exits.
function crash(what, error, code) {
  logError(what, error);
  if (!handler || !requestId) return reportInitError(error, code);
  fail(requestId, error, () => process.exit(code));
}

// become makes this process a worker of a function.
async function become(job) {
  process.env = Object.assign(process.env, job.env);
  const asked = `${job.opt}/nodejs/node${job.version}/node_modules`; // packages for the version it asked for
  if (job.env.NODE_PATH === undefined && !process.env.NODE_PATH.includes(asked)) process.env.NODE_PATH = `${asked}:${process.env.NODE_PATH}`;
  Module._initPaths();
  if (/^--enable-source-maps$/.test(process.env.NODE_OPTIONS) && process.setSourceMapsEnabled) process.setSourceMapsEnabled(true);
  if (legacy) legacy.config = new legacy.Config(); // with what the environment says now
  patchConsole();
  process.chdir(job.task);
  useCodes(job.codes);
  try {
    handler = await load(job.task, job.handler);
  } catch (e) {
    handler = undefined;
    return crash('Uncaught Exception', e, 129);
  }
  socket.write(NEXT);
}

// catchAll catches what a function does not.
function catchAll() {
  process.on('uncaughtException', (e) => crash('Uncaught Exception', e, 129));
  process.on('unhandledRejection', (reason, promise) => {
    const e = new UnhandledPromiseRejection(reason);
    e.reason = reason;
    e.promise = promise;
    crash('Unhandled Promise Rejection', e, 128);
  });
  process.on('beforeExit', () => done());
}

// A client that is started ahead trains: it loads what many functions do, uses
// the SDK they find against a stub, becomes functions that are nobody's, and
// answers events of theirs, until its code is warm.
let legacy; // version 2 of the SDK, if that is what functions find

async function train() {
  for (const name of ['http', 'https', 'crypto', 'url', 'zlib', 'os', 'events', 'querystring', 'timers', 'stream/promises', 'fs/promises', 'async_hooks', 'buffer', 'string_decoder']) {
    try {
      require(name);
    } catch {}
  }
  const options = { region: 'us-east-1', endpoint: process.env.ALOFT_STUB, credentials: { accessKeyId: 'a', secretAccessKey: 'b' } };
  try {
    await (process.env.ALOFT_SDK === 'aws-sdk-js-v2' ? use2 : use3)(options);
  } catch {} // it is not there, or is one that we do not know
  delete process.env.AWS_EXECUTION_ENV;
}

// rehearse has this client told that it is each of two functions that lie beside
// it, and forgets them: what a cold start runs is compiled then. Nobody else's
// code or environment is in it.
async function rehearse() {
  const before = { ...process.env };
  const task = path.join(__dirname, 'rehearsal');
  for (let i = 0; i < 6; i++) {
    const job = JSON.stringify({ handler: i % 2 ? 'script.handler' : 'module.handler', version: '0', task, opt: '/opt', env: { _HANDLER: 'handler' } });
    await new Promise((resolve) => {
      socket = { write: resolve };
      onData(Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: application/vnd.aloft.function\r\nContent-Length: ${job.length}\r\n\r\n${job}`));
    });
    delete require.cache[path.join(task, 'script.js')];
  }
  module.children.length = 0;
  process.chdir('/');
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
}

async function use3(options) {
  const { DynamoDBClient } = require('@aws-sdk/client-dynamodb');
  const { DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand } = require('@aws-sdk/lib-dynamodb');
  const client = new DynamoDBClient(options);
  const documents = DynamoDBDocumentClient.from(client);
  for (let i = 0; i < 3; i++) {
    await documents.send(new GetCommand({ TableName: 't', Key: { k: 'a' } }));
    await documents.send(new PutCommand({ TableName: 't', Item: { k: 'a', n: i } }));
    await documents.send(new QueryCommand({ TableName: 't', KeyConditionExpression: 'k = :k', ExpressionAttributeValues: { ':k': 'a' } }));
  }
  client.destroy();
  for (const name of ['client-dynamodb', 'lib-dynamodb', 'util-dynamodb', 'client-s3']) await import('@aws-sdk/' + name); // as ES modules do
  const { S3Client, PutObjectCommand } = require('@aws-sdk/client-s3');
  const s3 = new S3Client({ ...options, forcePathStyle: true });
  await s3.send(new PutObjectCommand({ Bucket: 'b', Key: 'k', Body: 'x' }));
  s3.destroy();
}

async function use2({ credentials, ...options }) {
  process.env.AWS_EXECUTION_ENV = 'AWS_Lambda_training'; // so it does not say that it is old
  legacy = require('aws-sdk');
  const agent = new (require('http').Agent)({ keepAlive: false });
  options = { ...options, ...credentials, httpOptions: { agent } };
  const documents = new legacy.DynamoDB.DocumentClient(options);
  for (let i = 0; i < 3; i++) {
    await documents.get({ TableName: 't', Key: { k: 'a' } }).promise();
    await documents.put({ TableName: 't', Item: { k: 'a', n: i } }).promise();
  }
  await new legacy.S3({ ...options, s3ForcePathStyle: true }).putObject({ Bucket: 'b', Key: 'k', Body: 'x' }).promise();
}

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');

// lead brings connections to names of AWS to the platform, where there is no
// network of our own in which these names are the platform's.
function lead(plain, secure) {
  const connect = net.Socket.prototype.connect;
  net.Socket.prototype.connect = function (...args) {
    const list = Array.isArray(args[0]) ? args[0] : args; // as net.connect passes them on
    const o = list[0];
    if (o && typeof o === 'object' && /(^|\.)(amazonaws\.com(\.cn)?|api\.aws|on\.aws|amazoncognito\.com)$/.test(o.host || '')) {
      const [host, port] = (+o.port === 443 ? secure : plain).split(':');
      list[0] = { ...o, host, port: +port };
    }
    return connect.apply(this, args);
  };
  // Nor are there directories above the function's in which ES modules look.
  if (!Module.registerHooks) return;
  Module.registerHooks({
    resolve(name, context, next) {
      try {
        return next(name, context);
      } catch (e) {
        if (/^[./]|^\w+:/.test(name)) throw e;
        return next(url.pathToFileURL(require.resolve(name)).href, context);
      }
    },
  });
}

async function start() {
  if (process.env.ALOFT_LEAD) lead(...process.env.ALOFT_LEAD.split(','));
  if (training) await train();
  catchAll();
  if (training) await rehearse();
  for (const name of ['ALOFT_TRAIN', 'ALOFT_STUB', 'ALOFT_SDK', 'ALOFT_LEAD']) delete process.env[name];
  socket = net.connect(+port, host, () => {
    socket.setNoDelay(true);
    socket.write(training ? NEXT : FUNCTION);
  });
  socket.on('data', onData);
  socket.on('close', () => process.exit(0));
  socket.on('error', () => process.exit(1));
}

start();
