// The trainer's desk: photographs come in the order of what they teach; the next ones are here before they are asked for, and what is said
// is sent in the background and kept on this tablet until the server has it.
(() => {
  'use strict';
  const { pestcheck } = window, AHEAD = 6, FEW = 4, KEPT = 'pestcheck-review', RETRY = 5000, RENEW = 240000, MANY = 9;
  pestcheck.presses = {};
  pestcheck.review = { gaps: [] };  // milliseconds from an answer to the next photograph on the screen, for who measures
  document.addEventListener('DOMContentLoaded', start);

  function start() {
    const $ = (name) => document.getElementById(name), root = $('review'), words = JSON.parse(root.dataset.words), { account } = root.dataset;
    const photo = root.querySelector('[data-photo]'), frame = photo.querySelector('.frame'), drawn = root.querySelector('[data-box]');
    const says = (key, values = {}) => words.says[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
    const named = (label) => words.labels[label] || words.outcomes[label] || label.replaceAll('_', ' ');  // also what no list has any more
    let items = [], current = null, marks = [], chosen = -1, blind = false, loading = false, again = 0, shownAt = 0;
    let recent = [], sending = false, asked = 0;
    const seen = new Set(), done = [], pictures = new Map();
    const outbox = JSON.parse(localStorage.getItem(KEPT) || '[]');

    const uuid7 = () => {
      const bytes = crypto.getRandomValues(new Uint8Array(16)), now = Date.now();
      for (let k = 0; k < 6; k++) bytes[k] = Math.floor(now / 2 ** (8 * (5 - k))) % 256;
      bytes[6] = bytes[6] & 15 | 112; bytes[8] = bytes[8] & 63 | 128;
      const hex = [...bytes].map((one) => one.toString(16).padStart(2, '0')).join('');
      return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    };

    async function ask(method, path, body) {
      const headers = { 'Content-Type': 'application/json', ...account && { 'Pestcheck-Account': account } };
      const answer = await fetch(`/api/v1/review${path}`, { method, headers, body: JSON.stringify(body) });
      const read = await answer.json().catch(() => ({}));
      if (!answer.ok) throw Object.assign(new Error(read.detail || `${answer.status}`), { status: answer.status });
      return read;
    }
    const tell = (text) => { $('told').textContent = text; $('told').hidden = !text; };

    // The photographs at hand.
    function wanted() {
      const chosen = Object.fromEntries([...new FormData($('choose'))].filter(([, value]) => value));
      const waiting = outbox.map(({ path }) => path.split('/')[2]);  // given again, they would be shown with what others said before the answers are known
      return { ...chosen, blind, limit: AHEAD, without: [...seen, ...waiting].slice(-400) };
    }
    async function load() {
      if (loading) return;
      loading = true;
      const turn = asked;
      try {
        const found = (await ask('PUT', '/work', wanted())).photographs;
        if (turn !== asked) return;  // something else was chosen meanwhile
        const here = new Set([...items.map((one) => one.view_id), current && current.view_id]);
        items.push(...found.filter((one) => !here.has(one.view_id) && !seen.has(one.view_id)));
        items.slice(0, AHEAD).forEach(picture);
        if (!current) next();
      } catch (error) {
        if (!current || error.status) tell(error.message);
      } finally {
        loading = false;
        if (turn !== asked) load();
      }
    }
    function picture(item) {
      let image = pictures.get(item.sha256);
      if (!image) {
        image = new Image();
        image.src = `/photograph/${item.sha256}.jpg`;
        pictures.set(item.sha256, image);
        if (pictures.size > 40) pictures.delete(pictures.keys().next().value);
      }
      return image;
    }
    function anew() {
      asked++;
      items = []; current = null; seen.clear();
      load();
    }

    function next() {
      const item = items.shift() || null;
      show(item);
      if (items.length < FEW) load();
    }
    function show(item, before = null) {
      current = item;
      clearTimeout(again);
      $('desk').hidden = !item;
      $('none').hidden = Boolean(item);
      if (!item) {
        $('none').textContent = says('nothing');
        again = setTimeout(load, 30000);
        return;
      }
      const image = frame.querySelector('img');
      image.src = picture(item).src;
      photo.dataset.width = item.width;
      photo.dataset.height = item.height;
      frame.style.setProperty('--ratio', (item.width / item.height).toFixed(4));
      marks = before ? before.marks : prefilled(item);
      $('comment').value = before ? before.comment : '';
      chosen = marks.length ? 0 : -1;
      moving(false);
      drawn.value = '';
      document.dispatchEvent(new CustomEvent('pestcheck:page', { detail: { page: root, anew: true } }));
      about(item);
      draw();
      const from = shownAt;
      shownAt = 0;
      if (from) image.decode().catch(() => {}).then(() => requestAnimationFrame(() => pestcheck.review.gaps.push(performance.now() - from)));
    }
    // What one has said of it before; else what the record says is there, to be confirmed or changed. Blind, the answer has none of it.
    function prefilled(item) {
      const mine = item.opinions.filter((one) => !one.withdrawn_at && !others(item).includes(one)).at(-1);
      if (mine) return mine.marks.map((one) => ({ ...one, box: [...one.box] }));
      return item.findings.filter((one) => one.box && one.state !== 'rejected')
        .map((one) => ({ box: [...one.box], label: one.decided_label || one.label, finding_id: one.id }));
    }
    const others = (item) => item.status === 'expert_needed' ? item.opinions.filter((one) => !one.withdrawn_at) : [];

    function about(item) {
      const line = item.reasons.map((one) => words.reasons[one] || one).join('; ');
      $('why').textContent = item.blind ? says('blind') : line.charAt(0).toUpperCase() + line.slice(1);
      const lines = [];
      if (item.model) lines.push(says('model', { what: `${says(item.model.verdict || 'unknown')}${item.model.score === null ? '' : ` ${Math.round(100 * item.model.score)} %`}` }));
      for (const one of item.findings) {
        const what = one.state === 'rejected' ? `${named(one.label || '')}: ${says('rejected')}`
          : one.state === 'corrected' ? `${named(one.label)} → ${named(one.decided_label)}` : named(one.decided_label || one.label || '');
        if (one.state === 'rejected' || one.state === 'corrected' || !one.box) lines.push(says('inspector', { what: one.box ? what : `${what} (${says('unseen')})` }));
      }
      for (const one of others(item)) {
        const what = [...new Set(one.marks.map((mark) => named(mark.label)))].join(', ');
        lines.push(says('trainer', { who: one.reviewer, what: [words.outcomes[one.outcome], what, one.comment].filter(Boolean).join('; ') }));
      }
      $('others').replaceChildren(...lines.map((text) => Object.assign(document.createElement('li'), { textContent: text })));
    }

    // Places on the photograph, and in the list beside it.
    function draw() {
      for (const one of frame.querySelectorAll('.box')) one.remove();
      if (!current) return;
      for (const one of current.findings) if (one.state === 'rejected' && one.box) frame.append(box(one.box, 'box ghost'));
      marks.forEach((mark, k) => {
        const shown = box(mark.box, `box spot${k === chosen ? ' current' : ''}`);
        const tag = Object.assign(document.createElement('b'), { textContent: k + 1, className: 'tag' });
        tag.dataset.grip = 'move';
        shown.append(tag);
        if (k === chosen) for (const corner of ['nw', 'ne', 'sw', 'se']) {
          const grip = Object.assign(document.createElement('i'), { className: `grip ${corner}` });
          grip.dataset.grip = corner;
          shown.append(grip);
        }
        shown.dataset.place = k;
        frame.append(shown);
      });
      $('marks').replaceChildren(...marks.map((mark, k) => {
        const line = document.createElement('li'), what = mark.label ? named(mark.label) : says('label');
        const pick = Object.assign(document.createElement('button'), { type: 'button', textContent: `${k + 1}  ${what}` });
        pick.setAttribute('aria-pressed', String(k === chosen));
        pick.dataset.pick = k;
        const remove = Object.assign(document.createElement('button'), { type: 'button', textContent: '✕', ariaLabel: says('delete', { what: `${k + 1} ${what}` }) });
        remove.dataset.remove = k;
        line.append(pick, remove);
        return line;
      }));
      $('naming').hidden = chosen < 0;
      const ready = marks.length > 0 && marks.every((mark) => mark.label);
      $('save').disabled = !ready;
      $('save-words').textContent = $('save-words').dataset[marks.length ? 'right' : 'nothing'];
      quick();
    }
    function box([x0, y0, x1, y1], kind) {
      const shown = Object.assign(document.createElement('div'), { className: kind }), share = (value, whole) => `${100 * value / whole}%`;
      const { width, height } = current;
      Object.assign(shown.style, { left: share(x0, width), top: share(y0, height), width: share(x1 - x0, width), height: share(y1 - y0, height) });
      return shown;
    }
    // Names at a key each: what the model takes into account, then what was named last.
    function quick() {
      const mark = marks[chosen], finding = mark && current.findings.find((one) => one.id === mark.finding_id);
      const likely = finding ? finding.candidates.map(([label]) => label).filter((label) => label in words.labels) : [];
      const names = [...new Set([...likely.slice(0, 5), ...recent, ...Object.keys(words.labels)])].slice(0, MANY);
      $('quick').replaceChildren(...names.map((label, k) => {
        const button = Object.assign(document.createElement('button'), { type: 'button' });
        button.dataset.label = label;
        button.append(Object.assign(document.createElement('kbd'), { textContent: k + 1 }), ` ${named(label)}`);
        button.setAttribute('aria-pressed', String(Boolean(mark) && mark.label === label));
        return button;
      }));
    }
    function name(label) {
      if (!marks[chosen]) return;
      marks[chosen].label = label;
      recent = [label, ...recent.filter((one) => one !== label)].slice(0, MANY);
      $('find').value = '';
      found();
      draw();
    }
    function found() {
      const said = $('find').value.trim().toLowerCase();
      const fits = said ? Object.entries(words.labels).filter(([, text]) => text.toLowerCase().includes(said)).slice(0, 8) : [];
      $('names').hidden = !fits.length;
      $('names').replaceChildren(...fits.map(([label, text]) => {
        const button = Object.assign(document.createElement('button'), { type: 'button', textContent: text });
        button.dataset.label = label;
        return button;
      }));
    }
    function choose(k) { chosen = marks.length ? (k + marks.length) % marks.length : -1; draw(); }
    function remove(k) { marks.splice(k, 1); choose(Math.min(chosen, marks.length - 1)); }
    function add(corners) {
      const last = marks[chosen] && marks[chosen].label;
      marks.push({ box: corners, label: last || recent[0] || null, finding_id: null });
      choose(marks.length - 1);
    }
    function middle() {
      const view = photo.getBoundingClientRect(), [x, y] = pixel(view.left + view.width / 2, view.top + view.height / 2), half = Math.round(current.width * .06);
      add(inside([x - half, y - half, x + half, y + half]));
    }
    function pixel(x, y) {
      const at = frame.getBoundingClientRect();
      return [Math.round((x - at.left) / at.width * current.width), Math.round((y - at.top) / at.height * current.height)];
    }
    function inside([x0, y0, x1, y1]) {
      const clip = (value, most) => Math.min(most, Math.max(0, Math.round(value)));
      const [a, c] = [clip(Math.min(x0, x1), current.width - 2), clip(Math.max(x0, x1), current.width)];
      const [b, d] = [clip(Math.min(y0, y1), current.height - 2), clip(Math.max(y0, y1), current.height)];
      return [a, b, Math.max(c, a + 2), Math.max(d, b + 2)];
    }
    function shift([x0, y0, x1, y1], dx, dy) {
      dx = Math.max(-x0, Math.min(current.width - x1, dx));
      dy = Math.max(-y0, Math.min(current.height - y1, dy));
      return [x0 + dx, y0 + dy, x1 + dx, y1 + dy].map(Math.round);
    }
    function moving(on) {
      photo.classList.toggle('drawing', !on);
      $('move').setAttribute('aria-pressed', String(on));
    }

    // A finger on a grip adjusts a place; anywhere else photograph.js draws, and zooms with two.
    frame.addEventListener('pointerdown', (event) => {
      const grip = event.target.closest('[data-grip]');
      if (!grip) return;
      event.stopPropagation();
      event.preventDefault();
      const k = Number(grip.closest('[data-place]').dataset.place), what = grip.dataset.grip, [px, py] = pixel(event.clientX, event.clientY);
      const [x0, y0, x1, y1] = marks[k].box;
      if (k !== chosen) choose(k);
      const follow = (now) => {
        const [x, y] = pixel(now.clientX, now.clientY);
        marks[k].box = what === 'move' ? shift([x0, y0, x1, y1], x - px, y - py)
          : inside([what.endsWith('w') ? x : x0, what.startsWith('n') ? y : y0, what.endsWith('e') ? x : x1, what.startsWith('s') ? y : y1]);
        const { style } = box(marks[k].box, ''), shown = frame.querySelector(`[data-place="${k}"]`);
        for (const side of ['left', 'top', 'width', 'height']) shown.style[side] = style[side];
      };
      const end = () => { removeEventListener('pointermove', follow); removeEventListener('pointerup', end); removeEventListener('pointercancel', end); draw(); };
      addEventListener('pointermove', follow);
      addEventListener('pointerup', end);
      addEventListener('pointercancel', end);
    });
    photo.addEventListener('touchmove', (event) => { if (event.cancelable) event.preventDefault(); }, { passive: false });  // a stroke is no fling, which would swallow the next tap
    let fingers = 0, pinched = false;
    photo.addEventListener('pointerdown', () => { fingers++; pinched = pinched || fingers > 1; }, true);
    for (const kind of ['pointerup', 'pointercancel']) addEventListener(kind, () => {
      fingers = Math.max(0, fingers - 1);
      if (fingers) return;
      const corners = drawn.value && drawn.value.split(',').map(Number);
      drawn.value = '';
      frame.querySelectorAll('.mine').forEach((one) => one.remove());
      if (corners && !pinched && kind === 'pointerup' && current) add(inside(corners));
      pinched = false;
    });
    // All pixels, once somebody looks closely.
    new MutationObserver(() => {
      const image = frame.querySelector('img');
      if (!current || !photo.classList.contains('zoomed') || image.src.endsWith('/full.jpg')) return;
      const { sha256 } = current, full = new Image();
      full.src = `/photograph/${sha256}/full.jpg`;
      full.decode().then(() => { if (current && current.sha256 === sha256) image.src = full.src; }).catch(() => {});
    }).observe(photo, { attributes: true, attributeFilter: ['class'] });

    // Answers, and taking them back.
    function answer(outcome) {
      if (!current) return;
      if (outcome === 'contamination' && !(marks.length && marks.every((mark) => mark.label))) {
        tell(marks.length ? says('label') : says('none_marked'));
        return;
      }
      shownAt = performance.now();
      tell('');
      const kept = marks.filter((mark) => mark.label), said = { item: current, marks, comment: $('comment').value.trim(), id: uuid7() };
      for (const mark of kept) recent = [mark.label, ...recent.filter((one) => one !== mark.label)].slice(0, MANY);
      const body = {
        outcome, marks: outcome === 'contamination' || outcome === 'needs_expert' ? kept : [], comment: said.comment,
        expert: current.status === 'expert_needed' && outcome !== 'needs_expert',
      };
      seen.add(current.view_id);
      done.push(said);
      post(said.id, `/photographs/${current.view_id}/opinions/${said.id}`, body);
      next();
      count();
    }
    function undo() {
      const last = done.pop();
      if (!last) { tell(says('nothing_to_undo')); return; }
      const waits = outbox.findIndex((one) => one.id === last.id);
      if (waits > (sending ? 0 : -1)) outbox.splice(waits, 1);
      else post(`${last.id}-`, `/opinions/${last.id}/withdrawal`, { reason: '' });
      keep();
      if (current) items.unshift(current);
      seen.delete(last.item.view_id);
      show(last.item, last);
      ask('PUT', `/photographs/${last.item.view_id}/claim`, { blind: last.item.blind }).catch((error) => { if (error.status === 409) tell(says('held', { why: error.message })); });
      $('outbox').textContent = says('undone');
      count();
    }
    function skip() {
      if (!current) return;
      seen.add(current.view_id);
      ask('PUT', '/release', { photographs: [current.view_id] }).catch(() => {});
      next();
    }
    const count = () => { $('count').textContent = done.length ? says('done', { n: done.length }) : ''; };

    function keep() {
      localStorage.setItem(KEPT, JSON.stringify(outbox));
      const mine = outbox.filter((one) => one.account === account).length;
      $('outbox').textContent = mine > 2 ? says('waiting', { n: mine }) : mine || !done.length ? '' : says('sent');
    }
    function post(id, path, body) {
      outbox.push({ id, path, body, account });
      keep();
      flush();
    }
    async function flush() {
      if (sending) return;
      sending = true;
      try {
        for (let one; (one = outbox.find((each) => each.account === account));) {
          try {
            await ask('PUT', one.path, one.body);
          } catch (error) {
            if (!error.status || error.status >= 500 || [401, 423, 429].includes(error.status)) throw error;
            refused(one, error);
          }
          outbox.splice(outbox.indexOf(one), 1);
          keep();
        }
      } catch {
        keep();
        setTimeout(flush, RETRY);  // it stays where it is
      } finally {
        sending = false;
      }
    }
    // The photograph comes back with what was said of it.
    function refused(one, error) {
      const said = done.find((each) => each.id === one.id);
      if (said) {
        done.splice(done.indexOf(said), 1);
        seen.delete(said.item.view_id);
        if (current) items.unshift(current);
        show(said.item, said);
      }
      tell(says('not_saved', { why: error.message }));
    }

    root.addEventListener('click', (event) => {
      const button = event.target.closest('button');
      if (!button) return;
      const { press, pick, remove: gone, label, outcome } = button.dataset;
      if (press) pestcheck.presses[press](button);
      else if (pick) choose(Number(pick));
      else if (gone) remove(Number(gone));
      else if (label) name(label);
      else if (outcome) answer(outcome);
      else ({ save: () => answer('contamination'), undo, skip, move: () => moving(photo.classList.contains('drawing')), blind: turn }[button.id] || (() => {}))();
    });
    function turn() {
      blind = !blind;
      $('blind').setAttribute('aria-pressed', String(blind));
      for (const field of ['label', 'inspector', 'model']) Object.assign($('choose').elements[field], { disabled: blind });
      anew();
    }
    $('choose').addEventListener('change', anew);
    $('choose').addEventListener('submit', (event) => event.preventDefault());
    $('find').addEventListener('input', found);
    $('find').addEventListener('keydown', (event) => {
      const first = $('names').querySelector('button');
      if (event.key === 'Enter' && first) { name(first.dataset.label); $('find').blur(); }
      if (event.key === 'Enter') event.preventDefault();
    });
    const keys = {
      Enter: () => answer('contamination'), n: () => answer('no_contaminant'), u: () => answer('unusable'), e: () => answer('needs_expert'), z: undo, s: skip,
      a: middle, j: () => choose(chosen + 1), k: () => choose(chosen - 1), Delete: () => remove(chosen), Backspace: () => remove(chosen), b: turn,
      l: () => $('find').focus(), c: () => $('comment').focus(), m: () => moving(photo.classList.contains('drawing')),
      '+': () => photo.zoom(1.6), '-': () => photo.zoom(1 / 1.6),
    };
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    document.addEventListener('keydown', (event) => {
      const typing = event.target.closest('input, select, textarea');
      if (typing && event.key === 'Escape') { typing.blur(); return; }
      if (typing && typing.id === 'comment' && event.key === 'Enter') { typing.blur(); event.preventDefault(); return; }
      if (typing || event.altKey || event.metaKey || (event.ctrlKey && event.key !== 'z')) return;
      if (event.target.closest('a, summary, button') && [' ', 'Enter'].includes(event.key)) return;  // presses it
      const key = event.key.length === 1 ? event.key.toLowerCase() : event.key, step = steps[key];
      if (step && marks[chosen]) {
        const by = Math.max(1, Math.round(current.width * .01)), [x0, y0, x1, y1] = marks[chosen].box;
        marks[chosen].box = event.shiftKey ? inside([x0, y0, Math.max(x0 + 2, x1 + step[0] * by), Math.max(y0 + 2, y1 + step[1] * by)]) : shift([x0, y0, x1, y1], step[0] * by, step[1] * by);
        draw();
      } else if (/^[1-9]$/.test(key)) {
        const button = $('quick').children[key - 1];
        if (button && !$('naming').hidden) name(button.dataset.label);
      } else if (keys[key] && (current || key === 'b' || key === 'z')) keys[key]();
      else return;
      event.preventDefault();
    });
    addEventListener('beforeunload', (event) => { if (outbox.some((one) => one.account === account)) event.preventDefault(); });
    addEventListener('online', flush);
    setInterval(() => { if (!document.hidden && current) load(); }, RENEW);
    keep();
    flush();
    load();
  }
})();
