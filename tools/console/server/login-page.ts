// The only page for browsers that are not logged in: it takes the code from the fragment of its address, which no server sees, hands it in, and goes on to the console. Who has no link
// types the code. Script and style are files of their own, since the policy runs nothing that is written into a page.

export const LOGIN_PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>quilt-swarm</title><link rel="icon" href="data:,"><script src="/login.js" defer></script></head>
<body>
<main>
<h1>quilt-swarm</h1>
<form id="login">
<p><label for="code">Code from the terminal</label></p>
<p><input id="code" name="code" autocomplete="off" autofocus required> <button>Log in</button></p>
<p id="answer" role="status"></p>
</form>
<noscript><p>The console needs JavaScript.</p></noscript>
</main>
</body>
</html>
`;

export const LOGIN_SCRIPT = `const answer = document.querySelector('#answer');
const field = document.querySelector('#code');
async function login(code) {
  answer.textContent = 'One moment';
  const headers = { 'content-type': 'application/json' };
  try {
    const reply = await fetch('/api/v1/login', { method: 'POST', headers, body: JSON.stringify({ code }) });
    if (reply.ok) return location.replace('/');
    const { message, hint } = await reply.json();
    answer.textContent = hint === null ? message : message + ': ' + hint;
  } catch {
    answer.textContent = 'The console does not answer.';
  }
}
document.querySelector('#login').addEventListener('submit', (event) => {
  event.preventDefault();
  login(field.value.trim());
});
const code = location.hash.slice(1);
// Not kept in the browser's history.
history.replaceState(null, '', '/login');
if (code !== '') login(code);
`;
