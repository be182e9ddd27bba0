// SPDX-License-Identifier: Apache-2.0
// The page: one EventSource a room, plain fetch for the rest. Whatever others wrote enters the page
// as text, never as markup.
const $ = (id) => document.getElementById(id);
const LINES_SHOWN = 500, SIGN_OF_LIFE_MS = 10_000, GONE_AFTER_MS = 30_000, GROUP_MS = 120_000;

const tab = [...crypto.getRandomValues(new Uint8Array(8))].map((n) => n.toString(16).padStart(2, '0')).join('');
let room, events, retry;
const shown = new Set();   // ids of the lines on the page: history and stream overlap
const present = new Map(); // tab -> { name, seen }

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

function face(name) {
  const node = element('span', 'face', [...name.trim()][0]?.toUpperCase() ?? '?');
  let hue = 0;
  for (const letter of name) hue = (hue * 31 + letter.codePointAt(0)) % 360;
  node.style.setProperty('--hue', hue);
  node.setAttribute('aria-hidden', 'true');
  return node;
}

// ---- lines --------------------------------------------------------------------------------------

// A line of the stream; null: something else. One from elsewhere (viaduct pub) may be no more than a text.
function heard(event) {
  const texts = { id: event.lastEventId, room, name: 'viaduct', time: new Date().toISOString() };
  try {
    const line = JSON.parse(event.data);
    if (typeof line?.text !== 'string') return null;
    for (const field in texts) if (typeof line[field] !== 'string') line[field] = texts[field];
    return line;
  } catch {
    return null;
  }
}

function show(line) {
  if (line?.room !== room || shown.has(line.id)) return;
  shown.add(line.id);
  const list = $('lines'), time = new Date(line.time);
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;

  const item = element('li', 'line');
  item.classList.toggle('mine', line.name === $('name').value);
  Object.assign(item.dataset, { name: line.name, worker: line.worker ?? '', time: +time });

  const who = element('div', 'who');
  const clock = element('time', '', time.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }));
  clock.dateTime = line.time;
  who.append(element('bdi', '', line.name), clock);
  if ('worker' in line) who.append(element('span', 'worker', `worker ${line.worker}`));
  const what = element('div', 'what');
  const text = element('span', 'text', line.text);
  text.dir = 'auto';
  what.append(who, text);
  item.append(face(line.name), what);

  // History may arrive after the first live lines: keep the order of time.
  let before = list.lastElementChild;
  while (before && before.dataset.time > +time) before = before.previousElementSibling;
  if (before) before.after(item); else list.prepend(item);
  group(item);
  if (item.nextElementSibling) group(item.nextElementSibling);
  while (list.childElementCount > LINES_SHOWN) list.firstElementChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
}

// Lines of one person through one worker, close together, share one heading.
function group(item) {
  const above = item.previousElementSibling?.dataset, own = item.dataset;
  item.classList.toggle('more', Boolean(above) && above.name === own.name && above.worker === own.worker
    && own.time - above.time < GROUP_MS);
}

// ---- who is here --------------------------------------------------------------------------------

function sign(left = '') {
  const name = $('name').value.trim();
  if (!room || !name) return;
  const body = new URLSearchParams({ room, name, tab, left });
  if (left) navigator.sendBeacon('/here', body);
  else fetch('/here', { method: 'POST', body }).catch(() => {});
}

function seen({ tab: id, name, left }) {
  if (left) present.delete(id);
  else present.set(id, { name, seen: Date.now() });
  showPresent();
}

function showPresent() {
  for (const [id, one] of present) if (one.seen < Date.now() - GONE_AFTER_MS) present.delete(id);
  const all = [...present].sort(([a, x], [b, y]) => (b === tab) - (a === tab) || x.name.localeCompare(y.name));
  $('here-count').textContent = all.length || '';
  $('brief').textContent = all.length ? `${all.length} here` : ''; // where the list has no room
  $('here').replaceChildren(...all.slice(0, 100).map(([id, { name }]) => {
    const item = element('li');
    item.append(face(name), element('bdi', '', name));
    if (id === tab) item.append(element('small', '', '(you)'));
    return item;
  }));
}

// ---- connection ---------------------------------------------------------------------------------

function status(state, text) {
  $('status').dataset.state = state;
  $('status').textContent = text;
}

async function json(path) {
  const answer = await fetch(`${path}?${new URLSearchParams({ room })}`);
  return answer.ok ? answer.json() : [];
}

// What came before this stream, or went by while there was none.
async function catchUp(source) {
  const [lines, tabs] = await Promise.all([json('/history'), json('/here')]).catch(() => [[], []]);
  if (source !== events) return;
  lines.forEach(show);
  tabs.forEach((one) => { if (!present.has(one.tab)) present.set(one.tab, { name: one.name, seen: Date.now() }); });
  showPresent();
}

function connect() {
  clearTimeout(retry);
  events?.close();
  const source = events = new EventSource(`/events?${new URLSearchParams({ room })}`);
  source.onopen = () => { status('live', 'Live'); sign(); catchUp(source); };
  source.onmessage = (event) => show(heard(event));
  source.addEventListener('here', (event) => seen(JSON.parse(event.data)));
  source.addEventListener('gap', () => catchUp(source)); // the server could not replay everything
  source.onerror = () => {
    status('wait', 'Reconnecting …');
    // The browser retries by itself unless the answer was no stream at all.
    if (source.readyState === EventSource.CLOSED && source === events) retry = setTimeout(connect, 2000);
  };
}

function enter(name) {
  if (room && room !== name) sign('yes');
  room = name;
  shown.clear();
  present.clear();
  $('lines').replaceChildren();
  showPresent();
  showRooms();
  $('room-title').textContent = room;
  document.title = `#${room} · Viaduct chat`;
  status('wait', 'Connecting …');
  connect();
}

// ---- rooms, names, the form ---------------------------------------------------------------------

const stored = (key, fallback) => { try { return JSON.parse(localStorage.getItem(key)) ?? fallback; } catch { return fallback; } };

function showRooms() {
  const rooms = [...new Set([...stored('rooms', ['lobby', 'tea', 'code']), room])].slice(-12);
  localStorage.setItem('rooms', JSON.stringify(rooms));
  $('rooms').replaceChildren(...rooms.map((name) => {
    const item = element('li'), link = element('a', '', name);
    link.href = `#${encodeURIComponent(name)}`;
    if (name === room) link.setAttribute('aria-current', 'page');
    item.append(link);
    return item;
  }));
}

// What the server takes for a room's name.
const tidy = (name) => [...name.trim().replace(/[^\p{L}\p{N}_-]+/gu, '-')].slice(0, 40).join('');

function roomFromAddress() {
  try { return tidy(decodeURIComponent(location.hash.slice(1))) || 'lobby'; } catch { return 'lobby'; }
}

$('join').addEventListener('submit', (event) => {
  event.preventDefault();
  const name = tidy($('join-room').value);
  if (name) location.hash = encodeURIComponent(name);
  $('join-room').value = '';
});

$('say').addEventListener('submit', async (event) => {
  event.preventDefault();
  const text = $('text').value;
  if (!text.trim()) return;
  const body = new URLSearchParams({ room, name: $('name').value, text });
  $('text').value = '';
  try {
    const answer = await fetch('/say', { method: 'POST', body });
    $('note').textContent = answer.ok ? '' : await answer.text();
    if (answer.ok) return;
  } catch {
    $('note').textContent = 'That did not get through. Try again.';
  }
  if (!$('text').value) $('text').value = text; // nothing typed is lost
});

$('name').addEventListener('change', () => {
  sessionStorage.setItem('name', $('name').value.trim()); // this tab
  localStorage.setItem('name', JSON.stringify($('name').value.trim())); // the next visit
  sign();
});

const birds = ['Heron', 'Kestrel', 'Lapwing', 'Plover', 'Siskin', 'Wagtail', 'Wren', 'Avocet'];
$('name').value = sessionStorage.getItem('name') || stored('name', '') || birds[Math.floor(Math.random() * birds.length)];
addEventListener('hashchange', () => enter(roomFromAddress()));
addEventListener('pagehide', () => sign('yes'));
addEventListener('pageshow', (event) => { if (event.persisted) sign(); });
setInterval(() => { sign(); showPresent(); }, SIGN_OF_LIFE_MS);
enter(roomFromAddress());
