const awsLambda = require('@fastify/aws-lambda').default
const { answer, picture } = require('./app')
const app = require('fastify')()

app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
app.all('/fastify/echo/*', (req, reply) => {
  reply.header('Set-Cookie', ['a=1; Path=/', 'b=2'])
  reply.send(answer('fastify', req.raw.url, req.headers, req.body ?? Buffer.alloc(0)))
})
app.get('/fastify/picture', (_, reply) => reply.type('image/png').send(picture))
app.get('/fastify/fail', () => { throw new Error('as asked') })

exports.handler = awsLambda(app, { binaryMimeTypes: ['image/png'] })
