// The only page for browsers that are not logged in: it takes the code from the fragment of its address, which no server sees, hands it in, and goes on to the console. Who has no link
// types the code. Script and style are files of their own, since the policy runs nothing that is written into a page.

export const LOGIN_PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>Log in · quilt-swarm</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/login.css"><script src="/login.js" defer></script></head>
<body>
<main>
<h1>quilt-swarm</h1>
<form id="login">
<p><label for="code">Code from the terminal</label></p>
<p><input id="code" name="code" autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="answer" autofocus required> <button>Log in</button></p>
<p id="answer" role="status"></p>
</form>
<noscript><p>The console needs JavaScript.</p></noscript>
</main>
</body>
</html>
`;

export const LOGIN_STYLE = `:root { color-scheme: light dark; }
body { margin: 0; font: 16px/1.45 system-ui, sans-serif; background: light-dark(#f6f7f9, #0e1116); color: light-dark(#171b22, #e6e9ef); }
main { max-width: 420px; margin: 10vh auto 0; padding: 16px; }
h1 { font-size: 20px; }
input, button { box-sizing: border-box; width: 100%; min-height: 44px; padding: 8px 12px; border: 1px solid light-dark(#7d8694, #6b7585); border-radius: 6px; font: inherit; }
button { margin-top: 12px; border-color: transparent; background: light-dark(#4059d8, #6f86f7); color: light-dark(#fff, #0c1020); cursor: pointer; }
:focus-visible { outline: 2px solid light-dark(#4059d8, #6f86f7); outline-offset: 2px; }
#answer { min-height: 1.5em; overflow-wrap: anywhere; }
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
