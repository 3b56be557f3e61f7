// What photograph.js needs on pages that the server draws: the page as an event, its buttons, and a form that waits for a mark.
(() => {
  'use strict';
  const pestcheck = window.pestcheck;
  pestcheck.presses = pestcheck.presses || {};
  document.addEventListener('DOMContentLoaded', () => {
    document.dispatchEvent(new CustomEvent('pestcheck:page', { detail: { page: document.body, anew: true } }));
    const field = document.querySelector('[data-box]'), waits = document.querySelectorAll('[data-needs-box]');
    const look = () => { for (const one of waits) one.disabled = !field.value; };
    if (field) { field.addEventListener('input', look); look(); }
  });
  document.addEventListener('click', (event) => {
    const pressed = event.target.closest('[data-press]');
    if (pressed) pestcheck.presses[pressed.dataset.press](pressed);
  });
})();
