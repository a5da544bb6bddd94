const token = new URLSearchParams(location.hash.slice(1)).get('id_token');
const show = (id, text) => { document.getElementById(id).textContent = text; };

if (token) show('state', 'signed in');

fetch('/config.json').then((r) => r.json()).then(({ client, login }) => {
  const query = new URLSearchParams({ response_type: 'token', client_id: client, scope: 'openid email', redirect_uri: location.origin });
  document.getElementById('login').href = `${login}/login?${query}`;
});

document.querySelector('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const note = document.getElementById('note').value;
  const answer = await fetch('/api/notes', { method: 'POST', headers: { Authorization: token }, body: JSON.stringify({ note }) });
  const { who, note: kept } = await answer.json();
  show('said', `${who}: ${kept}`);
});
