// What the explorers share: labelled controls, a canvas that fits its box, some plotting calls.
//
// needs: controls/basics.js controls/inputs.js controls/results.js controls/time.js
// needs: controls/canvas.js controls/pointer.js controls/axes.js controls/marks.js
//
// Everything is on `window.genlib.controls`. What follows is the list of it, by file.
//
// basics.js
//   number(value, digits)             "−1.25", "∞"
//   palette()                         named colours that fit the theme: {blue, vermilion, …}
//   colour(name)                      one of them, or the CSS colour of that name
//   element(tag, attributes, ...kids) an HTML element; `text`, `class`, `on…` are understood
//   identity(kind)                    a name for an element that no other has
// inputs.js
//   panel(...kids), row(...kids)      boxes for controls: equal columns, a line of buttons
//   group(legend, ...kids)            a fieldset
//   slider({label, min, max, step, value, log, format, onInput})   -> {element, input, value, set}
//   select({label, options: [[value, text]], value, onChange})     -> {element, input, value, set}
//   checkbox({label, value, onChange})                             -> {element, input, value, set}
//   button({label, onClick, primary})                              -> {element, set(label), press}
// results.js
//   readout({label, names})           a list of numbers            -> {element, set(name, text)}
//   table({label, columns, rows})   -> {element, set(row, column, text), head(text),
//                                     caption(text), show(row, shown)}
//   live()                            polite text for screen readers: {element, say(text), text}
// time.js
//   answering(figure, work)           a function that runs `work` once per frame, timed by genlib
//   transport({onStep, onReset, onChange, stepLabel, resetLabel})   play, pause, step, reset
//   still()                           whether reduced motion is asked for
// canvas.js
//   canvas({label, aspect, minHeight, maxHeight, draw})   -> surface {element, canvas, context,
//                                     width, height, theme, redraw(), now()}, in CSS pixels;
//                                     it is drawn by draw(surface)
// pointer.js
//   drag(target, {start, move, end, surface})   pointer and touch, in the surface's CSS pixels
//   handle({surface, label, text, help, color, onDrag, onStep})   a button on the canvas to drag or
//                                     move with the arrow keys: {element, moveTo(x, y), set(label)}
// axes.js
//   ticks(low, high, count)           round numbers between two limits
//   axes(surface, {x, y, xLabel, yLabel, xTicks, yTicks, gutter, box})   -> frame {x(v), y(v), xAt,
//                                     yAt, left, right, top, bottom}
//   fitting(surface, texts, width, bold)   the first of some texts that fits
//   note(surface, text, x, y, {color, align, baseline, bold})
// marks.js
//   line(surface, frame, xs, ys, {color, width, dash, alpha})
//   area(surface, frame, xs, ys, {color, alpha, pattern, base})   pattern: "lines", "back", "dots"
//   points(surface, frame, xs, ys, {color, radius, alpha})
//   rule(surface, frame, {x} or {y}, {color, dash, label})
//   legend([{label, color, dash, pattern}])   an HTML list; `color` is a name of the palette
"use strict";

Object.freeze(window.genlib.controls);
