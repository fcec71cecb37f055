package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A vertex is a version of a small graph: "d: b c" was written on top of b and c; "(d): b" is not shown.
type vertex struct {
	id      string
	parents []string
	hidden  bool
}

func graphOf(text string) []vertex {
	var vertices []vertex
	for _, row := range strings.Split(text, ",") {
		id, parents, _ := strings.Cut(strings.TrimSpace(row), ":")
		v := vertex{id: id, parents: strings.Fields(parents)}
		if name, ok := strings.CutPrefix(id, "("); ok {
			v.id, v.hidden = strings.TrimSuffix(name, ")"), true
		}
		vertices = append(vertices, v)
	}
	return vertices
}

// line draws a row as text.
func (r drawnRow) line() string {
	var b strings.Builder
	for _, c := range r.cells {
		b.WriteString(c.glyph())
		if c.over {
			b.WriteString("─")
		} else {
			b.WriteString(" ")
		}
	}
	return strings.TrimRight(b.String(), " ") + map[bool]string{true: " " + r.node}[r.node != ""]
}

// A drawnRow is one row of a drawing: that of the version node, or the joints of the lane in the column from.
type drawnRow struct {
	cells []cell
	node  string
	from  int
}

func drawAll(vertices []vertex) []drawnRow {
	var drawing []drawnRow
	l := newLanes[string]()
	for _, v := range vertices {
		from := l.find(v.id)
		r := l.add(v.id, v.parents, !v.hidden)
		if r.node != nil {
			from = slices.IndexFunc(r.node, func(c cell) bool { return c.node })
			drawing = append(drawing, drawnRow{cells: r.node, node: v.id, from: from})
		}
		if r.joints != nil {
			drawing = append(drawing, drawnRow{cells: r.joints, from: from})
		}
	}
	return drawing
}

func TestDrawings(t *testing.T) {
	for _, c := range []struct{ name, graph, want string }{
		{"chain", "c: b, b: a, a", "● c\n● b\n● a"},
		{"fork", "c: a, b: a, a", "● c\n│ ● b\n├─╯\n● a"},
		{"diamond", "d: b c, c: a, b: a, a", "● d\n├─╮\n│ ● c\n● │ b\n├─╯\n● a"},
		{
			"criss-cross", "f: d e, e: b c, d: b c, c: a, b: a, a",
			"● f\n├─╮\n│ ● e\n│ ├─╮\n● │ │ d\n╰─┼─┤\n  │ ● c\n  ● │ b\n  ├─╯\n  ● a",
		},
		{
			"many heads", "e: a, d: a, c: a, b: a, a",
			"● e\n│ ● d\n├─╯\n│ ● c\n├─╯\n│ ● b\n├─╯\n● a",
		},
		{
			"join of many", "e: a b c d, d, c, b, a",
			"● e\n├─┬─┬─╮\n│ │ │ ● d\n│ │ ● c\n│ ● b\n● a",
		},
		{"roots are apart", "b, a", "● b\n  ● a"},
		{"three roots", "c, b, a", "● c\n  ● b\n● a"},
		{"a join over a lane", "f: c d, e: c, d: b, c: a, b: a, a", "● f\n├─╮\n│ │ ● e\n├─│─╯\n│ ● d\n● │ c\n│ ● b\n├─╯\n● a"},
		{
			"lanes that nothing joins are passed", "g: a, f: b, e: c, d: a c, c, b, a",
			"● g\n│ ● f\n│ │ ● e\n│ │ │ ● d\n├─│─┼─╯\n│ │ ● c\n│ ● b\n● a",
		},
		{"hidden in a chain", "c: b, (b): a, a", "● c\n● a"},
		{"hidden join", "d: c, (c): a b, b, a", "● d\n├─╮\n│ ● b\n● a"},
		{"hidden fork", "d: b, c: b, (b): a, a", "● d\n│ ● c\n├─╯\n● a"},
		{"hidden head", "(d): c, c: b, b", "● c\n● b"},
		{"hidden root", "c: b, (b), a", "● c\n  ● a"},
		{"twice the same parent", "b: a a, a", "● b\n● a"},
	} {
		var lines []string
		for _, row := range drawAll(graphOf(c.graph)) {
			lines = append(lines, row.line())
		}
		if got := strings.Join(lines, "\n"); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

// A drawing has each version that is shown once, and its lines, followed by their glyphs alone, lead from each version to
// those that it was written on top of, or to the nearest shown ones beyond hidden ones, and to no others.
func TestDrawingsTellTheGraph(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vertices := drawGraph(t)
		edges, nodes := readDrawing(t, drawAll(vertices))
		var shown []string
		for _, v := range vertices {
			if !v.hidden {
				shown = append(shown, v.id)
			}
		}
		if !slices.Equal(nodes, shown) {
			t.Fatalf("%v are drawn, want %v", nodes, shown)
		}
		if want := shownEdges(vertices); !maps.EqualFunc(edges, want, maps.Equal) {
			t.Fatalf("%v is drawn as\n%v, want\n%v", vertices, edges, want)
		}
	})
}

// drawGraph draws a random graph, children before parents, as a few writers that hear of each other now and then make it.
func drawGraph(t *rapid.T) []vertex {
	writers := rapid.IntRange(1, 7).Draw(t, "writers")
	heads := make([]map[string]bool, writers)
	var vertices []vertex
	for i := range rapid.IntRange(1, 40).Draw(t, "versions") {
		w := rapid.IntRange(0, writers-1).Draw(t, "writer")
		parents := slices.Sorted(maps.Keys(heads[w]))
		other := rapid.IntRange(0, writers-1).Draw(t, "heard of")
		for id := range heads[other] {
			if !slices.Contains(parents, id) && rapid.IntRange(0, 2).Draw(t, "hears") == 0 {
				parents = append(parents, id)
			}
		}
		v := vertex{id: fmt.Sprint(i), parents: parents, hidden: rapid.IntRange(0, 3).Draw(t, "hidden") == 0}
		vertices = append(vertices, v)
		heads[w] = map[string]bool{v.id: true}
	}
	slices.Reverse(vertices)
	return vertices
}

type edges = map[string]map[string]bool

// shownEdges leads from each shown vertex to the nearest shown ones beneath.
func shownEdges(vertices []vertex) edges {
	under := map[string]map[string]bool{} // what lines to a vertex lead to
	all := edges{}
	for _, v := range slices.Backward(vertices) {
		below := map[string]bool{}
		for _, p := range v.parents {
			maps.Copy(below, under[p])
		}
		under[v.id] = below
		if !v.hidden {
			under[v.id] = map[string]bool{v.id: true}
			all[v.id] = below
		}
	}
	return all
}

// glyphs are some of those that lines are drawn with.
type glyphs string

const (
	leadsUp   glyphs = "│╯┤╰├┴┼"
	leadsDown glyphs = "│╮┤╭├┬┼"
	joint     glyphs = "╯╮┤╰╭├┴┬┼"
)

func (g glyphs) has(glyph string) bool { return strings.Contains(string(g), glyph) }

// readDrawing follows the lines of a drawing: down from row to row, and in a row of joints sideways from the lane that it is
// of, or that ends there, to those that go on.
func readDrawing(t *rapid.T, drawing []drawnRow) (found edges, nodes []string) {
	found = edges{}
	coming := map[int]map[string]bool{} // by column, the versions from which the lines come
	for _, row := range drawing {
		next := map[int]map[string]bool{}
		var joined []int
		for i, c := range row.cells {
			glyph := c.glyph()
			if leadsUp.has(glyph) && coming[i] == nil {
				t.Fatalf("column %d of %q goes on from nothing above", i, row.line())
			}
			if joint.has(glyph) {
				joined = append(joined, i)
			}
			switch glyph {
			case "●":
				for from := range coming[i] {
					found[from][row.node] = true
				}
				nodes = append(nodes, row.node)
				found[row.node] = map[string]bool{}
				next[i] = map[string]bool{row.node: true}
			case "│":
				next[i] = coming[i]
			}
		}
		for _, i := range joined {
			if !leadsDown.has(row.cells[i].glyph()) {
				continue
			}
			next[i] = maps.Clone(coming[i])
			if next[i] == nil {
				next[i] = map[string]bool{}
			}
			for _, j := range joined {
				if j == row.from || !leadsDown.has(row.cells[j].glyph()) {
					maps.Copy(next[i], coming[j])
				}
			}
		}
		coming = next
	}
	return found, nodes
}
