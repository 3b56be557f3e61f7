// Shows the page for work without a network when the server cannot be reached. It touches nothing but GET: what is sent goes past it, since a
// browser may lose the body of a request that a worker passes on. What was photographed and answered is not here but in IndexedDB (outbox.js).
'use strict';
const CACHE = 'pestcheck-offline';
const PAGE = '/app/offline.html';
const SHELL = [PAGE, '/app/offline.css', '/app/outbox.js', '/app/offline.js', '/app/icon.svg'];

self.addEventListener('install', (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(SHELL.map((path) => new Request(path, { cache: 'reload' })))));
});
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

async function shell(path) {
  const cache = await caches.open(CACHE);
  try {
    const answer = await fetch(path, { cache: 'no-cache' });
    if (answer.ok) await cache.put(path, answer.clone());
    return answer;
  } catch (error) {
    const kept = await cache.match(path);
    if (kept) return kept;
    throw error;
  }
}

self.addEventListener('fetch', (event) => {
  const { request } = event, { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== location.origin) return;
  if (request.mode === 'navigate' && pathname === '/') {
    event.respondWith(fetch(request).catch(async (error) => await (await caches.open(CACHE)).match(PAGE) || Promise.reject(error)));
  } else if (SHELL.includes(pathname)) event.respondWith(shell(pathname));
});
