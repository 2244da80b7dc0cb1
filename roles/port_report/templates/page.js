'use strict';
(function () {
  const all = (selector, node) => Array.from((node || document).querySelectorAll(selector));
  const named = (name) => document.getElementById(name);
  const table = named('fleet');
  const search = named('search');
  const chips = all('button[data-key]');
  const rows = all('tbody tr', table);
  const say = (text) => { named('said').textContent = text; };
  const pressed = (button) => button.getAttribute('aria-pressed') === 'true';

  // Ports as port_code.py writes them: steps in digits to the base 32; a letter of the second half goes on.
  const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  function decoded(text) {
    const ports = [];
    let port = -1;
    let step = 0;
    let weight = 1;
    for (const letter of text) {
      const digit = ALPHABET.indexOf(letter);
      step += (digit % 32) * weight;
      weight *= 32;
      if (digit < 32) { port += step; ports.push(port); step = 0; weight = 1; }
    }
    return ports;
  }

  let sockets = null;
  function processes(number) {
    sockets = sockets || JSON.parse(named('sockets').textContent);
    const server = sockets[number - 1];
    if (!server.ready) {
      server.ready = server.processes.map(([name, tcp, udp]) => ({ name, TCP: decoded(tcp), UDP: decoded(udp) }));
    }
    return server;
  }

  // --- parts that are drawn when they are opened --------------------------------------------------------------------

  let drawn = null;
  function partOf(details) {
    drawn = drawn || JSON.parse(named('drawn').textContent);
    return drawn.parts[Number(details.dataset.part)];
  }

  // As elements.py has them: a text, [tag, attributes, children], or a table, [kind, caption, rows]. A text stays a text.
  function node(part, space) {
    if (typeof part === 'string') { return document.createTextNode(part); }
    const [tag, attributes, children] = typeof part[1] === 'string' ? tableOf(part) : part;
    const own = tag === 'svg' ? 'http://www.w3.org/2000/svg' : space;
    const made = document.createElementNS(own, tag);
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
    made.append(...children.map((child) => node(child, own)));
    return made;
  }

  function tableOf([kind, caption, lines]) {
    const columns = drawn.columns[kind];
    const styled = (style, more) => ({ ...more, ...(style ? { class: style } : {}) });
    const heads = columns.map(([head, style]) => ['th', styled(style, { scope: 'col' }), [head]]);
    const cell = (content, index) => [index ? 'td' : 'th', styled(columns[index][1], index ? {} : { scope: 'row' }), [].concat(content)];
    return ['table', { class: 'cards ' + kind }, [
      ['caption', {}, [caption]],
      ['thead', {}, [['tr', {}, heads]]],
      ['tbody', {}, lines.map((line) => ['tr', {}, line.map(cell)])],
    ]];
  }

  function draw(details) {
    if (!details.dataset.part) { return; }
    details.append(...partOf(details).map((part) => node(part, 'http://www.w3.org/1999/xhtml')));
    delete details.dataset.part;
    enliven(details);
  }

  // --- the filter ---------------------------------------------------------------------------------------------------

  // Words of the page itself, which say nothing about a server.
  const OWN = 'caption, thead, svg, figcaption, output, button, .lead, .ends, summary > :not(h3), details:not(.host) > summary';
  const OWN_PARTS = ['svg', 'figcaption', 'button', 'summary', 'lead', 'ends soft'];
  function wordsOf(part) {
    if (typeof part === 'string') { return part; }
    if (typeof part[1] === 'string') { return part[2].flat().map((cell) => [].concat(cell).map(wordsOf).join('')).join(' '); }
    return OWN_PARTS.includes(part[0]) || OWN_PARTS.includes(part[1].class) ? ' ' : part[2].map(wordsOf).join('');
  }

  const words = new Map();
  function textOf(row) {
    if (!words.has(row)) {
      const section = named(row.dataset.host);
      const copied = section.cloneNode(true);
      all(OWN, copied).forEach((one) => one.remove());
      const waiting = [section, ...all('details', section)].filter((one) => one.dataset.part);
      const later = waiting.flatMap(partOf).map(wordsOf);
      const names = processes(Number(row.dataset.host.slice(5))).processes.map((process) => process[0]);
      words.set(row, [row.textContent, copied.textContent, ...later, ...names].join(' ').toLowerCase());
    }
    return words.get(row);
  }

  function usesPort(row, port) {
    return processes(Number(row.dataset.host.slice(5))).ready.some((one) => one.TCP.includes(port) || one.UDP.includes(port));
  }

  // A number is one as a whole: 443 is not found in 4433.
  function holds(row, word) {
    if (!/^\d+$/.test(word)) { return textOf(row).includes(word); }
    return new RegExp('(^|[^0-9])' + word + '(?![0-9])').test(textOf(row)) || usesPort(row, Number(word));
  }

  function filter() {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = new Map();
    chips.filter(pressed).forEach((chip) => {
      chosen.set(chip.dataset.facet, [...(chosen.get(chip.dataset.facet) || []), chip.dataset.key]);
    });
    let shown = 0;
    rows.forEach((row) => {
      const keys = row.dataset.keys.split(' ');
      const fits = [...chosen.values()].every((some) => some.some((key) => keys.includes(key)))
        && wanted.every((word) => holds(row, word));
      row.hidden = !fits;
      named(row.dataset.host).hidden = !fits;
      shown += fits ? 1 : 0;
    });
    say('Showing ' + shown + ' of ' + rows.length + ' servers.');
  }

  function reset() {
    search.value = '';
    chips.forEach((chip) => chip.setAttribute('aria-pressed', 'false'));
    filter();
  }

  // --- the order ----------------------------------------------------------------------------------------------------

  const name = (row) => row.querySelector('th').textContent;
  const byName = (a, b) => name(a).localeCompare(name(b), 'en', { numeric: true });

  function sort(button) {
    const heading = button.closest('th');
    const what = button.dataset.sort;
    const first = what === 'name' ? 'ascending' : 'descending';
    const other = first === 'ascending' ? 'descending' : 'ascending';
    const direction = heading.getAttribute('aria-sort') === first ? other : first;
    const sign = direction === first ? 1 : -1;
    const worth = new Map(rows.map((row) => [row, Number(row.dataset.order.split(' ')[what])]));
    const order = what === 'name' ? byName : (a, b) => worth.get(b) - worth.get(a);
    all('th', table).forEach((one) => one.removeAttribute('aria-sort'));
    heading.setAttribute('aria-sort', direction);
    const sorted = rows.slice().sort((a, b) => sign * order(a, b) || byName(a, b));
    table.tBodies[0].append(...sorted);
    named('sections').append(...sorted.map((row) => named(row.dataset.host)));
    say('Sorted by ' + button.textContent.trim() + ', ' + (what === 'name' ? direction : sign > 0 ? 'worst first' : 'worst last') + '.');
  }

  // --- to take away -------------------------------------------------------------------------------------------------

  function copy(button) {
    const source = named(button.dataset.copies);
    const done = () => { button.textContent = 'Copied'; say('It is copied.'); setTimeout(() => { button.textContent = 'Copy'; }, 2000); };
    const byHand = () => {
      window.getSelection().selectAllChildren(source);
      if (document.execCommand('copy')) { done(); } else { say('Select it and copy it by hand.'); }
    };
    if (navigator.clipboard) { navigator.clipboard.writeText(source.textContent).then(done, byHand); } else { byHand(); }
  }

  const svgNode = (tag, attributes, text) => {
    const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
    Object.entries(attributes).forEach(([key, value]) => node.setAttribute(key, value));
    node.textContent = text || '';
    return node;
  };

  function save(button) {
    const picture = button.closest('figure').querySelector('svg').cloneNode(true);
    const row = rows.find((one) => one.dataset.host === button.closest('.host').id);
    const head = [[button.dataset.name, 'name'], [row.cells[0].textContent + ', read until ' + document.body.dataset.readAt, 'said'], [row.querySelector('.matter').textContent, '']];
    const top = 21 * head.length + 14;
    const width = picture.viewBox.baseVal.width;
    const height = picture.viewBox.baseVal.height + top;
    all('.cursor', picture).forEach((node) => node.remove());
    picture.removeAttribute('preserveAspectRatio');
    const sizes = { width, height };
    Object.entries({ ...sizes, viewBox: [0, -top, width, height].join(' ') }).forEach(([key, value]) => picture.setAttribute(key, value));
    picture.prepend(
      svgNode('style', {}, named('map-style').textContent),
      document.querySelector('svg.stripes defs').cloneNode(true),
      svgNode('rect', { ...sizes, class: 'paper', y: -top }),
      ...head.map(([text, kind], index) => svgNode('text', { class: kind, x: 0, y: 21 * (index + 1) - top }, text)),
    );
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(picture)], { type: 'image/svg+xml' }));
    link.download = button.dataset.name + '.svg';
    link.click();
    URL.revokeObjectURL(link.href);
    say('The picture is saved.');
  }

  // --- who uses the ports of a bar ----------------------------------------------------------------------------------

  function users(server, protocol, first, last) {
    const found = server.ready.map((one) => [one.name, one[protocol].filter((port) => port >= first && port <= last)]);
    return found.filter((one) => one[1].length).sort((a, b) => b[1].length - a[1].length)
      .map(([who, ports]) => who + ': ' + (ports.length > 3 ? ports.length + ' ports' : ports.join(', ')));
  }

  function probe(figure) {
    const picture = figure.querySelector('svg[data-plot]');
    const [first, last, left, width, columns] = picture.dataset.plot.split(' ').map(Number);
    const count = last - first + 1;
    const start = (column) => first + Math.ceil(column * count / columns);
    const slider = Object.assign(document.createElement('input'), { type: 'range', min: 0, max: columns - 1, value: 0, className: 'probe' });
    slider.setAttribute('aria-label', 'Move along the ports: who uses them');
    const told = Object.assign(document.createElement('output'), { className: 'told soft', textContent: 'Point at a bar, or move the slider: who uses its ports?' });
    // The slider says the same to a screen reader.
    told.setAttribute('aria-live', 'off');
    const cursor = svgNode('rect', { class: 'cursor', y: 0, height: picture.viewBox.baseVal.height, width: width / columns, x: -width });
    picture.append(cursor);
    const tell = (column) => {
      const server = processes(Number(figure.dataset.host));
      const [from, to] = [start(column), Math.max(start(column + 1) - 1, start(column))];
      const lines = ['UDP', 'TCP'].map((protocol) => [protocol, users(server, protocol, from, to)]).filter((one) => one[1].length);
      const rest = server.missing ? ' ' + server.missing + ' processes with more ports stand in report.json only.' : '';
      const text = 'Ports ' + from + ' to ' + to + ': ' + (lines.map(([protocol, some]) => protocol + ' used by ' + some.join('; ')).join('. ') || 'used by nobody') + '.' + rest;
      slider.value = column;
      slider.setAttribute('aria-valuetext', text);
      told.textContent = text;
      cursor.setAttribute('x', left + column * width / columns);
    };
    slider.addEventListener('input', () => tell(Number(slider.value)));
    picture.addEventListener('pointermove', (event) => {
      const box = picture.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * picture.viewBox.baseVal.width;
      tell(Math.min(Math.max(Math.floor((x - left) * columns / width), 0), columns - 1));
    });
    figure.querySelector('.ends').after(slider, told);
  }

  function enliven(node) {
    all('[data-script]', node).forEach((one) => { one.hidden = false; });
    all('button[data-copies]', node).forEach((button) => button.addEventListener('click', () => copy(button)));
    all('button[data-saves]', node).forEach((button) => button.addEventListener('click', () => save(button)));
    all('figure[data-host]', node).filter((figure) => !figure.querySelector('.probe')).forEach(probe);
  }

  // --- all together -------------------------------------------------------------------------------------------------

  chips.forEach((chip) => {
    chip.disabled = false;
    chip.addEventListener('click', () => { chip.setAttribute('aria-pressed', pressed(chip) ? 'false' : 'true'); filter(); });
  });
  search.addEventListener('input', filter);
  named('reset').addEventListener('click', reset);
  all('button[data-sort]').forEach((button) => button.addEventListener('click', () => sort(button)));
  // A click, also that of the keyboard, comes before the part opens; a browser may open one by itself.
  document.addEventListener('click', (event) => {
    const summary = event.target.closest('summary');
    if (summary) { draw(summary.parentElement); }
  });
  document.addEventListener('toggle', (event) => { if (event.target.open) { draw(event.target); } }, true);
  const openNamed = () => {
    const target = location.hash.length > 1 && named(decodeURIComponent(location.hash.slice(1)));
    if (target && target.matches('details.host')) { target.open = true; draw(target); }
  };
  window.addEventListener('hashchange', openNamed);
  all('a', table).forEach((link) => link.addEventListener('click', () => setTimeout(openNamed)));
  enliven(document);
  openNamed();

  let opened = [];
  window.addEventListener('beforeprint', () => {
    const onlyWell = !all('.host:not(.is-well)').some((node) => !node.hidden);
    opened = all('.finding details:not([open], .task)').concat(onlyWell ? all('details.host:not([open], [hidden])') : []);
    opened.forEach((node) => { node.open = true; draw(node); });
  });
  window.addEventListener('afterprint', () => { opened.forEach((node) => { node.open = false; }); });
}());
