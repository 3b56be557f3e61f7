// What was photographed or answered, until the server has it: kept in this browser's IndexedDB and sent in order, once. It needs a secure
// context (TLS, or the computer itself) for SHA-256. pestcheck.photograph(files) keeps photographs for where the tablet is (pestcheck.at).
// Events of the document: 'pestcheck:outbox', when what is kept or the connection changed; 'pestcheck:changed', when the server took something.
(() => {
  'use strict';
  const PING = 2000, PATIENCE = 3000, STALLED = 30000, FIRST = 1000, MOST = 30000, INSPECTIONS = 30;
  const pestcheck = window.pestcheck = window.pestcheck || { at: Object.fromEntries(new URLSearchParams(location.search)) };
  const outbox = pestcheck.outbox = { connected: navigator.onLine, items, you, held, answer, discard, again, save, inspection, inspections, progress: new Map() };
  pestcheck.photograph = photograph;
  const told = (name, detail) => document.dispatchEvent(new CustomEvent(`pestcheck:${name}`, { detail }));

  // Ids: UUID version 7 (RFC 9562), so that what is sent twice changes nothing.
  function uuid7() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    let now = Date.now();
    for (let i = 5; i >= 0; i--) { bytes[i] = now % 256; now = Math.floor(now / 256); }
    bytes[6] = bytes[6] & 0x0f | 0x70;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5');
  }

  // --- kept in the browser ------------------------------------------------------------------------------------------------------------
  // 'items': what is to be sent, in order; 'files': the bytes of photographs, as buffers (WebKit loses blobs); 'inspections': as last read.
  let opening = null;
  const open = () => opening = opening || new Promise((done, fail) => {
    const request = indexedDB.open('pestcheck', 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore('items', { keyPath: 'n', autoIncrement: true });
      request.result.createObjectStore('files', { keyPath: 'id' });
      request.result.createObjectStore('inspections', { keyPath: 'id' });
    };
    request.onsuccess = () => {
      request.result.onclose = request.result.onversionchange = () => { request.result.close(); opening = null; };
      done(request.result);
    };
    request.onerror = () => { opening = null; fail(request.error); };
  });

  async function stored(names, mode, act, last = false) {
    try {
      const database = await open();
      return await new Promise((done, fail) => {
        const transaction = database.transaction(names, mode, { durability: 'strict' });
        const request = act(...names.map((name) => transaction.objectStore(name)));
        transaction.oncomplete = () => done(request && request.result);
        transaction.onerror = transaction.onabort = () => fail(transaction.error || (request && request.error) || new Error('not kept'));
      });
    } catch (error) {
      if (last || error.name === 'QuotaExceededError') throw error;
      opening = null;  // a tablet short of memory closes databases: open it again, once
      return stored(names, mode, act, true);
    }
  }

  const loose = new Map();  // what the browser has no room to keep: here only as long as the page is open
  const order = (a, b) => a.at < b.at ? -1 : a.at > b.at ? 1 : 0;

  async function items() {
    const kept = await stored(['items'], 'readonly', (all) => all.getAll()).catch(() => []);
    return [...kept, ...[...loose.values()].map((one) => one.item)].sort((a, b) => order(a, b) || a.n - b.n);
  }

  async function keep(item, data) {
    try {
      item.n = await stored(['items', 'files'], 'readwrite', (all, files) => {
        if (data) files.put({ id: item.id, data });
        return all.add(item);
      });
    } catch {
      item.n = -1 - loose.size - Date.now();
      item.loose = true;
      loose.set(item.n, { item, data });
    }
    told('outbox');
    drain();
    return item;
  }

  async function change(item, values) {
    Object.assign(item, values);
    if (!loose.has(item.n)) {
      await stored(['items'], 'readwrite', (all) => {
        const request = all.get(item.n);
        request.onsuccess = () => { if (request.result) all.put({ ...request.result, ...values }); };
      });
    }
    told('outbox');
  }

  async function discard(item) {
    if (!loose.delete(item.n)) await stored(['items', 'files'], 'readwrite', (all, files) => { files.delete(item.id); all.delete(item.n); });
    told('outbox');
  }

  async function bytes(item) {
    if (loose.has(item.n)) return loose.get(item.n).data;
    const file = await stored(['files'], 'readonly', (files) => files.get(item.id));
    return file && file.data;
  }

  // --- whose it is ----------------------------------------------------------------------------------------------------------------------
  // The account that the page was made for; without the server, that of the last page here; {}: there are no accounts. What one person
  // recorded goes out while they are signed in, and never under another's name: the server looks, too.
  function you() {
    const page = document.querySelector('#settings');
    if (!page) return JSON.parse(localStorage.getItem('pestcheck-you') || '{}');
    const { account, name } = page.dataset, now = account ? { account, name } : {};
    localStorage.setItem('pestcheck-you', JSON.stringify(now));
    return now;
  }
  const foreign = new Set();  // accounts that the server says are not the one signed in
  function held(item) { return Boolean(item.account) && (item.account !== you().account || foreign.has(item.account)); }
  const ready = (item) => item.state === 'waiting' && !held(item);
  const ours = (item) => (item.account || '') === (you().account || '');

  let shownFor;
  document.addEventListener('pestcheck:page', () => {
    const { account } = you();
    if (account === shownFor) return;
    shownFor = account;
    foreign.clear();
    drain();
  });

  // --- what the person does -------------------------------------------------------------------------------------------------------------
  async function about(inspection, area) {
    const { account = '', name: owner = '' } = you(), known = await outbox.inspection(inspection);
    const point = known && known.points.find((one) => one.area === area);
    return {
      id: uuid7(), account, owner, inspection, area, at: new Date().toISOString(), state: 'waiting', says: '',
      number: known ? known.inspection.container_number : '', title: point ? point.title : area, person: known ? known.inspection.inspector : '',
    };
  }

  async function photograph(files, { inspection, area, after, amends } = pestcheck.at) {
    if (navigator.storage && navigator.storage.persist) navigator.storage.persist();
    for (const file of [...files]) {
      const item = { ...await about(inspection, area), kind: 'photograph', name: file.name, type: file.type, size: file.size, after: after || '', amends: amends || '' };
      let data;
      try {
        data = await file.arrayBuffer();
      } catch {
        item.state = 'unread';
      }
      if (data) item.sha256 = hex(await crypto.subtle.digest('SHA-256', data));
      item.thumb = await thumbnail(file);
      await keep(item, data);
    }
  }

  async function thumbnail(file) {
    try {
      const image = await createImageBitmap(file, { resizeHeight: 96, resizeQuality: 'low' });
      const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height });
      canvas.getContext('2d').drawImage(image, 0, 0);
      return canvas.toDataURL('image/jpeg', 0.7);
    } catch {
      return '';  // HEIC, where the browser cannot show it; or no photograph: the server says so
    }
  }

  async function answer(inspection, area, body) {
    const known = await outbox.inspection(inspection), point = known.points.find((one) => one.area === area);
    const before = (await items()).find((one) => one.kind === 'answer' && ours(one) && one.state !== 'conflict' && one.n !== sending && one.inspection === inspection && one.area === area);
    if (before) { await change(before, { body, state: 'waiting', says: '', at: new Date().toISOString() }); return drain(); }
    return keep({ ...await about(inspection, area), kind: 'answer', body, seen: point.answer ? point.answer.version : 0 });
  }

  async function again(item) {  // after a conflict: said anew, by a person who has seen what is there
    await change(item, { state: 'waiting', says: '', ...(item.version === undefined ? {} : { seen: item.version }) });
    drain();
  }

  async function save(item) {
    const link = document.createElement('a'), data = await bytes(item);
    link.href = URL.createObjectURL(new Blob([data], { type: item.type }));
    link.download = `${item.number}-${item.area}-${item.at.replaceAll(':', '')}-${item.name}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  // --- inspections as they were last read -----------------------------------------------------------------------------------------------
  const latest = new Map();  // also where the browser has no room

  async function inspection(id) {
    const found = await stored(['inspections'], 'readonly', (all) => all.get(id)).catch(() => null);
    return found ? found.whole : latest.get(id);
  }
  async function inspections() {
    const all = await stored(['inspections'], 'readonly', (kept) => kept.getAll());
    return all.sort((a, b) => order(b, a)).map((one) => one.whole);
  }

  async function read(id) {
    const { status, body } = await ask('GET', `inspections/${id}`) || {};
    if (status !== 200) return;
    latest.set(id, body);
    await stored(['inspections'], 'readwrite', (all) => {
      const request = all.getAll();
      request.onsuccess = () => { for (const old of request.result.sort(order).slice(0, -INSPECTIONS)) all.delete(old.id); };
      return all.put({ id, at: new Date().toISOString(), whole: body });
    }).catch(() => {});
  }
  let reading;
  const readSoon = () => { clearTimeout(reading); reading = setTimeout(() => { if (pestcheck.at.inspection) read(pestcheck.at.inspection); }, 300); };
  document.addEventListener('pestcheck:page', readSoon);

  // --- sending --------------------------------------------------------------------------------------------------------------------------
  const hex = (digest) => [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const base64 = (digits) => btoa(digits.replace(/../g, (two) => String.fromCharCode(parseInt(two, 16))));
  const named = ({ account, person }) => ({  // the name counts where there are no accounts
    ...(account ? { 'Pestcheck-Account': account } : {}), ...(person ? { 'Pestcheck-Name': encodeURIComponent(person) } : {}),
  });

  function ask(method, path, { headers = {}, data, onprogress = () => {} } = {}) {  // null: the server was not reached
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      let stall;
      const alive = () => { clearTimeout(stall); stall = setTimeout(() => request.abort(), STALLED); };
      const end = (answer) => { clearTimeout(stall); connect(answer !== null); done(answer); };
      request.open(method, `/api/v1/${path}`);
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
      request.upload.onprogress = (event) => { alive(); onprogress(event.loaded / event.total); };
      request.onprogress = alive;
      request.onload = () => {
        let body = {};
        try { body = JSON.parse(request.responseText); } catch { /* not from pestcheck: treated as not taken */ }
        end({ status: request.status, body, wait: Number(request.getResponseHeader('Retry-After')) * 1000 });
      };
      request.onerror = request.onabort = () => end(null);
      alive();
      request.send(data);
    });
  }

  async function deliver(item) {
    const at = `inspections/${item.inspection}/points/${item.area}`, headers = named(item);
    let answer;
    if (item.kind === 'photograph') {
      const data = await bytes(item);
      if (!data || !data.byteLength) return change(item, { state: 'unread' });
      const query = new URLSearchParams({ name: item.name, ...(item.after ? { after: item.after } : {}), ...(item.amends ? { amends: item.amends } : {}) });
      Object.assign(headers, { 'Content-Type': item.type || 'application/octet-stream', 'Repr-Digest': `sha-256=:${base64(item.sha256)}:` });
      const onprogress = (share) => { outbox.progress.set(item.n, share); told('progress', item); };
      answer = await ask('PUT', `${at}/photographs/${item.id}?${query}`, { headers, data, onprogress });
      outbox.progress.delete(item.n);
    } else {
      headers['Content-Type'] = 'application/json';
      answer = await ask('PUT', `${at}/answer`, { headers, data: JSON.stringify({ ...item.body, seen: item.seen }) });
    }
    if (!answer) return 'later';
    const { status, body } = answer;
    if (status === 200 || status === 201) {
      if (body[item.kind === 'photograph' ? 'sha256' : 'version'] === undefined) return 'later';  // not pestcheck: a page to sign in, a proxy
      if (item.kind === 'photograph' && body.sha256 !== item.sha256) { await change(item, { says: 'damaged' }); return 'later'; }
      if (item.kind === 'answer') await answered(item, body);
      await discard(item);
      told('changed', item);
      return 'done';
    }
    if (status === 409) return change(item, { state: 'conflict', says: body.detail || '', version: body.version });
    if (status === 423 && item.account) { foreign.add(item.account); return 'held'; }
    if (status >= 500 || [400, 401, 408, 425, 429].includes(status)) {
      if (answer.wait) wait = answer.wait;
      await change(item, { says: body.detail || '' });
      return 'later';
    }
    return change(item, { state: 'refused', says: body.detail || `HTTP ${status}` });
  }

  async function answered(item, body) {
    for (const other of await items()) {
      if (other.kind === 'answer' && other.n !== item.n && other.account === item.account && other.inspection === item.inspection && other.area === item.area && other.state === 'waiting') {
        await change(other, { seen: body.version });
      }
    }
    await stored(['inspections'], 'readwrite', (all) => {
      const request = all.get(item.inspection);
      request.onsuccess = () => {
        if (!request.result) return;
        request.result.whole.points.find((one) => one.area === item.area).answer = body;
        all.put(request.result);
      };
    });
  }

  let draining = false, sending = null, wait = FIRST, timer = null;

  async function drain() {
    if (draining || !outbox.connected) return;
    draining = true;
    clearTimeout(timer);
    let rest = true;  // another tab sends
    try {
      if (!navigator.locks) rest = await run();
      else await navigator.locks.request('pestcheck-outbox', { ifAvailable: true }, async (lock) => { if (lock) rest = await run(); });
    } finally {
      draining = false;
      sending = null;
    }
    if (!outbox.connected) return;  // the next ping that is answered goes on
    if (rest) { timer = setTimeout(drain, wait); wait = Math.min(MOST, wait * 2); }
    else if ((await items()).some(ready)) drain();
  }

  async function run() {  // whether something is left to be sent later
    for (;;) {
      const item = (await items()).find(ready);
      if (!item) return false;
      sending = item.n;
      outbox.sending = item.n;
      told('outbox');
      const outcome = await deliver(item);
      outbox.sending = sending = null;
      told('outbox');
      if (outcome === 'later') return true;
      wait = FIRST;
    }
  }

  // --- the connection -------------------------------------------------------------------------------------------------------------------
  function connect(is) {
    if (outbox.connected === is) return;
    outbox.connected = is;
    if (is) { wait = FIRST; foreign.clear(); drain(); readSoon(); }
    told('outbox');
  }

  async function ping() {
    if (!document.hidden) {
      const patience = new AbortController(), over = setTimeout(() => patience.abort(), PATIENCE);
      try { connect((await fetch('/health', { cache: 'no-store', signal: patience.signal })).ok); } catch { connect(false); }
      clearTimeout(over);
    }
    clearTimeout(next);
    next = setTimeout(ping, PING);
  }
  let next;
  addEventListener('offline', () => connect(false));
  addEventListener('online', ping);
  document.addEventListener('visibilitychange', () => { if (!document.hidden) ping(); });
  addEventListener('beforeunload', (event) => { if (loose.size) event.preventDefault(); });
  if (navigator.serviceWorker) navigator.serviceWorker.register('/worker.js').catch(() => {});
  ping();
  drain();
})();
