const express = require('express')
const serverless = require('serverless-http')
const { answer, picture } = require('./app')

const app = express()
app.use(express.raw({ type: () => true, limit: '5mb' }))
app.all('/express/echo/*rest', (req, res) => {
  res.append('Set-Cookie', 'a=1; Path=/').append('Set-Cookie', 'b=2')
  res.json(answer('express', req.originalUrl, req.headers, Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0)))
})
app.get('/express/picture', (_, res) => res.type('image/png').send(picture))
app.get('/express/fail', () => { throw new Error('as asked') })

exports.handler = serverless(app, { binary: ['image/*'] })
