package main

import "slices"

// lanes lay a graph of versions out in columns, row by row as its versions come, each before those that it was written on
// top of. A lane is a line that goes down to one version which has not come yet, and no two go down to the same: where
// lines meet, they go on as one. So there are as many lanes as versions are awaited, whatever the length of the graph.
//
//	●      a version that nothing above was written on starts a lane, in the leftmost column that is free
//	├─╮    its lane goes on to its first parent; others get lanes of their own
//	│ ●
//	● │
//	├─╯    a parent that a lane goes down to already is met there, to the left where that may be
//	●
//
// A line leaves a version downwards in its own column, or sideways in the row of joints beneath it. There it passes
// over lanes that it has nothing to do with (│), and ends in those that it joins or starts (┼ ├ ┤ ╮ ╭ ┬).
type lanes[ID comparable] struct {
	// columns hold the lanes; those that are free stand open for the next.
	columns []line[ID]
	// begun counts the lanes, for their colours.
	begun int
}

// A line stands in a column that a lane goes down in.
type line[ID comparable] struct {
	taken bool
	// ended says that a line has just ended there without a joint: what stood there in the next row would look like a
	// part of it.
	ended bool
	// to is the version that the lane goes down to.
	to ID
	// colour tells lanes apart.
	colour int
}

// A cell is one column of a row: where the lines in it lead, and whether a line runs on from it to the next column.
type cell struct {
	up, down, left, right bool
	node, over            bool
	// colour is that of the lines up and down, side of those that run sideways.
	colour, side int
}

// rows are what one version adds to the drawing. Either may be nil: a version that is not shown has no row of its own, and
// where each lane goes straight on there is no row of joints.
type rows struct {
	node, joints []cell
}

func newLanes[ID comparable]() *lanes[ID] { return &lanes[ID]{} }

// add takes the next version with its parents. One that is not shown gets no place, but the lines to it go on to its
// parents.
func (l *lanes[ID]) add(id ID, parents []ID, shown bool) rows {
	at := l.find(id)
	if at < 0 && !shown {
		return rows{}
	}
	var r rows
	if at < 0 {
		at = l.begin(0, id)
	}
	if shown {
		r.node = l.straight()
		r.node[at].node = true
		l.settle()
	}
	if r.joints = l.leave(at, parents); r.joints != nil {
		l.settle()
	}
	return r
}

// settle frees the columns of lines that have ended, now that a row stands beneath them.
func (l *lanes[ID]) settle() {
	for i := range l.columns {
		l.columns[i].ended = false
	}
	for n := len(l.columns); n > 0 && !l.columns[n-1].taken; n-- {
		l.columns = l.columns[:n-1]
	}
}

func (l *lanes[ID]) find(id ID) int {
	return slices.IndexFunc(l.columns, func(c line[ID]) bool { return c.taken && c.to == id })
}

// begin starts a lane in the first free column from one on.
func (l *lanes[ID]) begin(from int, to ID) int {
	at := from
	for at < len(l.columns) && (l.columns[at].taken || l.columns[at].ended) {
		at++
	}
	for at >= len(l.columns) {
		l.columns = append(l.columns, line[ID]{})
	}
	l.columns[at] = line[ID]{taken: true, to: to, colour: l.begun}
	l.begun++
	return at
}

// straight is a row in which all lanes go on.
func (l *lanes[ID]) straight() []cell {
	row := make([]cell, len(l.columns))
	for i, c := range l.columns {
		row[i] = cell{up: c.taken, down: c.taken, colour: c.colour}
	}
	return row
}

// leave takes the lane at a column on to the parents, and returns the row in which it does; nil where nothing turns.
func (l *lanes[ID]) leave(at int, parents []ID) []cell {
	var met []int
	var fresh []ID
	for i, p := range parents {
		if slices.Contains(parents[:i], p) {
			continue
		}
		if there := l.find(p); there >= 0 {
			met = append(met, there)
		} else {
			fresh = append(fresh, p)
		}
	}
	before := slices.Clone(l.columns)
	switch {
	case len(fresh) > 0:
		l.columns[at].to = fresh[0]
		for _, p := range fresh[1:] {
			met = append(met, l.begin(at+1, p))
		}
	case len(met) == 1 && met[0] > at: // the other line comes over here, so that the drawing stays narrow
		l.columns[at], l.columns[met[0]] = l.columns[met[0]], line[ID]{}
	default:
		l.columns[at] = line[ID]{ended: len(met) == 0}
	}
	if len(met) == 0 {
		return nil
	}
	return l.join(before, at, met)
}

// join is the row in which the lane at a column meets others; before are the lanes above it.
func (l *lanes[ID]) join(before []line[ID], at int, met []int) []cell {
	first, last := min(at, slices.Min(met)), max(at, slices.Max(met))
	row := make([]cell, max(len(before), len(l.columns)))
	side := before[at].colour
	if n := met[len(met)-1]; n >= len(before) || !before[n].taken {
		side = l.columns[n].colour
	}
	for i := range row {
		c := &row[i]
		c.up = i < len(before) && before[i].taken
		c.down = i < len(l.columns) && l.columns[i].taken
		c.side, c.over = side, first <= i && i < last
		switch {
		case c.down:
			c.colour = l.columns[i].colour
		case c.up:
			c.colour = before[i].colour
		default:
			c.colour = side
		}
		if passed := (c.up || c.down) && i != at && !slices.Contains(met, i); !passed {
			c.left, c.right = first < i && i <= last, c.over
		}
	}
	return row
}

// glyph is how a cell looks.
func (c cell) glyph() string {
	if c.node {
		return "●"
	}
	glyphs := [...]string{" ", "╵", "╷", "│", "╴", "╯", "╮", "┤", "╶", "╰", "╭", "├", "─", "┴", "┬", "┼"}
	at := 0
	for bit, leads := range []bool{c.up, c.down, c.left, c.right} {
		if leads {
			at |= 1 << bit
		}
	}
	return glyphs[at]
}
