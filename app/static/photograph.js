// A photograph under two fingers: zoom and move it; with one finger draw a box on it where the page asks for one.
(() => {
  'use strict';
  const MOST = 8, TAP = 10, SHARE = 0.06;
  let busy = false;
  window.pestcheck.stroke = () => busy;

  document.addEventListener('pestcheck:page', ({ detail: { page, anew } }) => {
    busy = false;
    for (const photo of page.querySelectorAll('[data-photo]')) {
      if (!photo.shown) watch(photo);  // Gradio keeps elements when it shows another page
      photo.shown(anew);
    }
  });

  function watch(photo) {
    const view = { scale: 1, x: 0, y: 0 }, fingers = new Map();
    const frame = () => photo.querySelector('.frame');
    let source = '', start = null, stroke = null, moved = false;

    photo.shown = (anew) => {
      const now = photo.querySelector('img').src;
      if (anew || now !== source) Object.assign(view, { scale: 1, x: 0, y: 0 });
      source = now;
      show();
      const kept = document.querySelector('[data-box]');
      if (photo.classList.contains('drawing') && kept && kept.value) draw(kept.value.split(',').map(Number));
    };

    function show() {
      const { width, height } = photo.getBoundingClientRect();
      view.scale = Math.min(MOST, Math.max(1, view.scale));
      view.x = Math.min(0, Math.max(width * (1 - view.scale), view.x));
      view.y = Math.min(0, Math.max(height * (1 - view.scale), view.y));
      frame().style.transform = view.scale === 1 ? '' : `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
      frame().style.setProperty('--scale', view.scale);
      photo.classList.toggle('zoomed', view.scale > 1);
    }

    function zoom(factor, at) {
      const box = photo.getBoundingClientRect(), scale = Math.min(MOST, Math.max(1, view.scale * factor));
      const x = at.x - box.left, y = at.y - box.top;
      view.x = x - (x - view.x) * scale / view.scale;
      view.y = y - (y - view.y) * scale / view.scale;
      view.scale = scale;
      show();
    }

    const middle = () => {
      const all = [...fingers.values()];
      return { x: all.reduce((sum, one) => sum + one.x, 0) / all.length, y: all.reduce((sum, one) => sum + one.y, 0) / all.length };
    };
    const spread = () => { const [a, b] = [...fingers.values()]; return Math.hypot(a.x - b.x, a.y - b.y); };

    photo.addEventListener('pointerdown', (event) => {
      if (event.target.closest('.zoom')) return;
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      moved = false;
      busy = true;
      if (fingers.size === 2) { stroke = null; start = { spread: spread(), middle: middle() }; }
      else if (photo.classList.contains('drawing')) { stroke = { x0: event.clientX, y0: event.clientY }; photo.setPointerCapture(event.pointerId); }
    });
    photo.addEventListener('pointermove', (event) => {
      const before = fingers.get(event.pointerId);
      if (!before) return;
      const here = { x: event.clientX, y: event.clientY };
      if (Math.hypot(here.x - before.x, here.y - before.y) > 1) moved = moved || fingers.size > 1 || view.scale > 1;
      fingers.set(event.pointerId, here);
      if (fingers.size === 2 && start) {
        const now = spread(), centre = middle();
        view.x += centre.x - start.middle.x;
        view.y += centre.y - start.middle.y;
        zoom(now / start.spread, centre);
        start = { spread: now, middle: centre };
      } else if (stroke) mark(stroke.x0, stroke.y0, here.x, here.y);
      else if (view.scale > 1) { view.x += here.x - before.x; view.y += here.y - before.y; show(); }
    });
    const end = (event) => {
      if (!fingers.delete(event.pointerId)) return;
      if (stroke && event.type === 'pointerup') {
        const far = Math.hypot(event.clientX - stroke.x0, event.clientY - stroke.y0);
        if (far < TAP) {
          const half = frame().getBoundingClientRect().width * SHARE;
          mark(event.clientX - half, event.clientY - half, event.clientX + half, event.clientY + half);
        }
      }
      stroke = null;
      start = null;
      busy = fingers.size > 0;
    };
    for (const name of ['pointerup', 'pointercancel']) photo.addEventListener(name, end);
    photo.addEventListener('click', (event) => { if (moved) { event.preventDefault(); event.stopPropagation(); } moved = false; }, true);
    photo.addEventListener('dragstart', (event) => event.preventDefault());
    photo.addEventListener('touchmove', (event) => {  // a stroke is no fling, of which the browser swallows the next tap
      if (event.cancelable && (photo.classList.contains('drawing') || photo.classList.contains('zoomed'))) event.preventDefault();
    }, { passive: false });
    photo.addEventListener('wheel', (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      zoom(Math.exp(-event.deltaY / 200), { x: event.clientX, y: event.clientY });
    }, { passive: false });
    photo.zoom = (factor) => {
      const box = photo.getBoundingClientRect();
      zoom(factor, { x: box.left + box.width / 2, y: box.top + box.height / 2 });
    };

    const size = () => [Number(photo.dataset.width), Number(photo.dataset.height)];

    // A box between two points of the screen, in pixels of the photograph.
    function mark(ax, ay, bx, by) {
      const box = frame().getBoundingClientRect(), [width, height] = size();
      const x = (at) => Math.round(Math.min(1, Math.max(0, (at - box.left) / box.width)) * width);
      const y = (at) => Math.round(Math.min(1, Math.max(0, (at - box.top) / box.height)) * height);
      draw([x(Math.min(ax, bx)), y(Math.min(ay, by)), x(Math.max(ax, bx)), y(Math.max(ay, by))]);
    }

    function draw(corners) {
      const field = document.querySelector('[data-box]'), [width, height] = size();
      if (!field || corners[2] - corners[0] < 2 || corners[3] - corners[1] < 2) return;
      field.value = corners.join(',');
      field.dispatchEvent(new Event('input', { bubbles: true }));
      let shown = frame().querySelector('.mine');
      if (!shown) { shown = document.createElement('div'); shown.className = 'box mine'; frame().append(shown); }
      const share = (value, whole) => 100 * value / whole + '%';
      Object.assign(shown.style, {
        left: share(corners[0], width), top: share(corners[1], height),
        width: share(corners[2] - corners[0], width), height: share(corners[3] - corners[1], height),
      });
    }
  }

  const near = (element) => element.closest('[data-photo]');
  window.pestcheck.presses['zoom-in'] = (element) => near(element).zoom(1.6);
  window.pestcheck.presses['zoom-out'] = (element) => near(element).zoom(1 / 1.6);
  window.pestcheck.presses['clear-box'] = () => {
    const field = document.querySelector('[data-box]');
    field.value = '';
    field.dispatchEvent(new Event('input', { bubbles: true }));
    document.querySelectorAll('.box.mine').forEach((one) => one.remove());
  };
})();
