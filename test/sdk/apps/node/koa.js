const Koa = require('koa')
const serverless = require('serverless-http')
const { answer, picture } = require('./app')

const app = new Koa()
app.silent = true
app.use(async ctx => {
  if (ctx.path.startsWith('/koa/echo/')) {
    const parts = []
    for await (const part of ctx.req) parts.push(part)
    ctx.append('Set-Cookie', 'a=1; Path=/')
    ctx.append('Set-Cookie', 'b=2')
    ctx.body = answer('koa', ctx.req.url, ctx.headers, Buffer.concat(parts))
  } else if (ctx.path === '/koa/picture') {
    ctx.type = 'image/png'
    ctx.body = picture
  } else if (ctx.path === '/koa/fail') {
    throw new Error('as asked')
  }
})

exports.handler = serverless(app, { binary: ['image/*'] })
