// Streams of unknown length with aws-sdk-js v3's lib-storage.
const assert = require('node:assert');
const { randomBytes, createHash } = require('node:crypto');
const { Readable } = require('node:stream');
const { S3Client, CreateBucketCommand, GetObjectCommand, HeadObjectCommand, ListMultipartUploadsCommand } = require('@aws-sdk/client-s3');
const { Upload } = require('@aws-sdk/lib-storage');

const s3 = new S3Client({ forcePathStyle: true });

// pieces yields content as a stream does that is read from elsewhere.
function* pieces(content) {
  for (let at = 0; at < content.length; at += 100_000) yield content.subarray(at, at + 100_000);
}

async function bytes(params) {
  const { Body } = await s3.send(new GetObjectCommand(params));
  return Buffer.from(await Body.transformToByteArray());
}

(async () => {
  const Bucket = 'streams';
  await s3.send(new CreateBucketCommand({ Bucket }));

  const large = randomBytes(12 << 20), seen = [];
  const upload = new Upload({ client: s3, params: { Bucket, Key: 'large', Body: Readable.from(pieces(large)), ContentType: 'x/y' }, queueSize: 3 });
  upload.on('httpUploadProgress', (p) => seen.push(p.loaded));
  const done = await upload.done();
  assert.match(done.ETag, /-3"$/);
  assert.equal(Math.max(...seen), large.length);
  assert.ok(large.equals(await bytes({ Bucket, Key: 'large' })));
  assert.equal((await s3.send(new HeadObjectCommand({ Bucket, Key: 'large' }))).ContentType, 'x/y');

  // What is small goes in one piece.
  const small = new Upload({ client: s3, params: { Bucket, Key: 'small', Body: Readable.from(['one, ', 'two']) } });
  assert.ok(!(await small.done()).ETag.includes('-'));
  assert.equal((await bytes({ Bucket, Key: 'small' })).toString(), 'one, two');

  // With a key of the customer's.
  const key = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: createHash('sha256').update('a key').digest() };
  await new Upload({ client: s3, params: { Bucket, Key: 'sealed', Body: Readable.from(pieces(large)), ...key } }).done();
  assert.ok(large.equals(await bytes({ Bucket, Key: 'sealed', ...key })));
  await assert.rejects(bytes({ Bucket, Key: 'sealed' }), { name: 'InvalidRequest' });

  // Given up, nothing is left.
  const given = new Upload({ client: s3, params: { Bucket, Key: 'given', Body: Readable.from(pieces(large)) } });
  const failed = assert.rejects(given.done(), { name: 'AbortError' });
  await given.abort();
  await failed;
  const { Uploads } = await s3.send(new ListMultipartUploadsCommand({ Bucket }));
  assert.equal(Uploads, undefined);
})().catch((err) => { console.error(err); process.exit(1); });
