// Two clients of the example chat, by ws: what one says, both hear. Then one
// says the same again and again, for whom else may listen.
const WebSocket = require('ws')

const [url, host, again] = process.argv.slice(2)
const open = () => new Promise((resolve, reject) => {
  const socket = new WebSocket(url, { headers: { Host: host } })
  socket.heard = []
  socket.on('message', data => socket.heard.push(JSON.parse(data)))
  socket.on('open', () => resolve(socket)).on('error', reject)
})
const pong = socket => new Promise(resolve => { socket.once('pong', resolve); socket.ping() })
const until = async (what, ok) => {
  for (let i = 0; !ok(); i++) {
    if (i > 1000) throw new Error('it does not happen: ' + what)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

(async () => {
  const one = await open(), two = await open()
  await pong(one)
  const say = text => one.send(JSON.stringify({ action: 'say', name: 'Ada', text }))
  say('héllo')
  await until('both hear', () => [one, two].every(s => s.heard.some(m => m.name === 'Ada' && m.text === 'héllo' && m.at > 0)))
  two.close()
  one.send('{"action":"none"}')
  await until('a refusal', () => one.heard.some(m => m.message === 'Forbidden' && m.connectionId && m.requestId))
  let code
  const bytes = await open()
  bytes.on('close', c => { code = c })
  bytes.send(Buffer.from([1, 2, 3]))
  await until('binary is refused', () => code === 1003)
  for (let i = 0; i < Number(again); i++) {
    say('again')
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  one.close()
})().catch(err => { console.error(err); process.exit(1) })
