'use strict';
(function () {
  const all = (selector, node) => Array.from((node || document).querySelectorAll(selector));
  const table = document.getElementById('fleet');
  const search = document.getElementById('search');
  const said = document.getElementById('said');
  const states = all('button[data-state]');
  const rows = all('tbody tr', table);
  const say = (text) => { said.textContent = text; };

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = states.filter((button) => button.getAttribute('aria-pressed') === 'true').map((button) => button.dataset.state);
    let shown = 0;
    rows.forEach((row) => {
      const text = row.textContent.toLowerCase();
      const fits = words.every((word) => text.includes(word)) && (!wanted.length || wanted.includes(row.dataset.state));
      row.hidden = !fits;
      document.getElementById(row.dataset.host).hidden = !fits;
      shown += fits ? 1 : 0;
    });
    say('Showing ' + shown + ' of ' + rows.length + ' servers.');
  }

  function sort(button) {
    const heading = button.closest('th');
    const column = heading.cellIndex;
    const direction = heading.getAttribute('aria-sort') === 'ascending' ? 'descending' : 'ascending';
    const sign = direction === 'ascending' ? 1 : -1;
    const key = (row) => row.cells[column].dataset.key || row.cells[column].textContent.trim().toLowerCase();
    all('th', table).forEach((other) => other.removeAttribute('aria-sort'));
    heading.setAttribute('aria-sort', direction);
    const body = table.tBodies[0];
    rows.slice().sort((a, b) => sign * key(a).localeCompare(key(b), 'en', { numeric: true })).forEach((row) => {
      body.append(row);
      const section = document.getElementById(row.dataset.host);
      section.parentNode.append(section);
    });
    say('Sorted by ' + button.textContent.trim() + ', ' + direction + '.');
  }

  function copy(button) {
    const source = document.getElementById(button.dataset.copies);
    const done = () => { button.textContent = 'Copied'; say('The fix is copied.'); setTimeout(() => { button.textContent = 'Copy'; }, 2000); };
    const byHand = () => {
      window.getSelection().selectAllChildren(source);
      if (document.execCommand('copy')) { done(); } else { say('Select the fix and copy it by hand.'); }
    };
    if (navigator.clipboard) { navigator.clipboard.writeText(source.textContent).then(done, byHand); } else { byHand(); }
  }

  function save(button) {
    const picture = document.getElementById(button.dataset.saves).querySelector('svg').cloneNode(true);
    const paper = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    const style = document.createElementNS('http://www.w3.org/2000/svg', 'style');
    const top = Number(picture.dataset.head);
    const width = picture.viewBox.baseVal.width;
    const height = picture.viewBox.baseVal.height + top;
    picture.setAttribute('viewBox', [0, -top, width, height].join(' '));
    [picture, paper].forEach((node) => { node.setAttribute('width', width); node.setAttribute('height', height); });
    paper.setAttribute('class', 'paper');
    paper.setAttribute('y', -top);
    style.textContent = document.getElementById('map-style').textContent;
    picture.prepend(style, document.querySelector('svg.stripes defs').cloneNode(true), paper);
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(picture)], { type: 'image/svg+xml' }));
    link.download = button.dataset.name + '.svg';
    link.click();
    URL.revokeObjectURL(link.href);
    say('The picture is saved.');
  }

  states.forEach((button) => button.addEventListener('click', () => {
    button.setAttribute('aria-pressed', button.getAttribute('aria-pressed') === 'true' ? 'false' : 'true');
    filter();
  }));
  search.addEventListener('input', filter);
  all('thead button', table).forEach((button) => button.addEventListener('click', () => sort(button)));
  all('button[data-copies]').forEach((button) => button.addEventListener('click', () => copy(button)));
  all('button[data-saves]').forEach((button) => button.addEventListener('click', () => save(button)));
  all('[data-script]').forEach((node) => { node.hidden = false; });

  let opened = [];
  window.addEventListener('beforeprint', () => {
    opened = all('details:not([open], .bulk)');
    opened.forEach((node) => { node.open = true; });
  });
  window.addEventListener('afterprint', () => { opened.forEach((node) => { node.open = false; }); });
}());
