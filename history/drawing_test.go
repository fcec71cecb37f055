package history_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/history"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files again from what the code does")

// A drawing is rows of text. A name is an author's letter and the version's seq, with an apostrophe on a rival version
// of the same dot. Edges go right: along '-', down '\' and up '/'. Versions are applied column by column.
//
//	a1---a2---a4
//	  \      /
//	   b1---b2
type drawing struct {
	rows  []string
	names []string // in order of columns
	at    map[string][2]int
	edges map[string][]string // parents of each
}

func parseDrawing(t *testing.T, rows []string) *drawing {
	d := &drawing{rows: rows, at: map[string][2]int{}, edges: map[string][]string{}}
	for y, row := range rows {
		for x := 0; x < len(row); x++ {
			if name := d.nameAt(y, x); name != "" && (x == 0 || !inName(row[x-1])) {
				d.names = append(d.names, name)
				d.at[name] = [2]int{y, x}
			}
		}
	}
	slices.SortFunc(d.names, func(a, b string) int {
		p, q := d.at[a], d.at[b]
		if p[1] != q[1] {
			return p[1] - q[1]
		}
		return p[0] - q[0]
	})
	for _, name := range d.names {
		y, x := d.at[name][0], d.at[name][1]+len(name)
		for _, start := range []struct {
			dy   int
			edge byte
		}{{0, '-'}, {1, '\\'}, {-1, '/'}} {
			if d.char(y+start.dy, x) == start.edge {
				child := d.follow(y+start.dy, x)
				if child == "" {
					t.Fatalf("an edge from %s leads nowhere", name)
				}
				d.edges[child] = append(d.edges[child], name)
			}
		}
	}
	return d
}

func inName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '\''
}

func (d *drawing) char(y, x int) byte {
	if y < 0 || y >= len(d.rows) || x < 0 || x >= len(d.rows[y]) {
		return ' '
	}
	return d.rows[y][x]
}

func (d *drawing) nameAt(y, x int) string {
	end := x
	for inName(d.char(y, end)) {
		end++
	}
	if end == x || d.char(y, x) < 'a' {
		return ""
	}
	return d.rows[y][x:end]
}

// follow goes along an edge from one of its characters to the name at its end.
func (d *drawing) follow(y, x int) string {
	for {
		step := d.char(y, x)
		x++
		var tries []int
		switch step {
		case '\\':
			tries = []int{y + 1, y}
		case '/':
			tries = []int{y - 1, y}
		case '-':
			tries = []int{y, y + 1, y - 1}
		default:
			return ""
		}
		next := -1
		for i, ty := range tries {
			c := d.char(ty, x)
			down, up := ty == y+1, ty == y-1
			if c == '-' || inName(c) || c == '\\' && !up || c == '/' && !down {
				if i > 0 && step == '-' && (c == '-' || inName(c)) {
					continue // a straight edge bends only over a slope
				}
				next = ty
				break
			}
		}
		if next < 0 {
			return ""
		}
		y = next
		if name := d.nameAt(y, x); name != "" {
			return name
		}
	}
}

// dag makes versions of the drawing.
func (d *drawing) dag(t *testing.T) (dag, map[string]int) {
	var versions dag
	index := map[string]int{}
	for _, name := range d.names {
		seq, err := strconv.Atoi(strings.Trim(name[1:], "'"))
		if err != nil {
			t.Fatalf("the name %s: %v", name, err)
		}
		prev := -1
		var deps []int
		for _, p := range d.edges[name] {
			i, drawn := index[p]
			if !drawn {
				t.Fatalf("%s is right of its child %s", p, name)
			}
			if p[0] == name[0] && versions[i].version.Seq == uint64(seq-1) {
				prev = i
			} else {
				deps = append(deps, i)
			}
		}
		if (prev < 0) != (seq == 1) {
			t.Fatalf("%s has no edge from the version before it", name)
		}
		versions.add(int(name[0]-'a'), prev, deps, 1)
		index[name] = len(versions) - 1
	}
	return versions, index
}

// report is what the graph says of a drawing.
func (d *drawing) report(t *testing.T) string {
	versions, index := d.dag(t)
	r := apply(t, versions, inOrder(versions))
	name := func(lv history.LV) string { return d.names[r.owner[lv]] }
	clock := func(c history.Clock) string {
		var parts []string
		for m := range c.Marks() {
			lv, _ := r.graph.Find(m.Line, m.Seq)
			parts = append(parts, name(lv))
		}
		return strings.Join(parts, " ")
	}
	var b strings.Builder
	line := func(what string, of ...string) {
		b.WriteString(strings.TrimRight(what+"  "+strings.Join(of, " "), " ") + "\n")
	}
	var heads []string
	for _, lv := range r.graph.Heads() {
		heads = append(heads, name(lv))
	}
	line("heads", heads...)
	for _, n := range d.names {
		lv := r.last[index[n]]
		var covers []string
		for _, m := range d.names {
			if m != n && r.graph.Covers(lv, r.last[index[m]]) {
				covers = append(covers, m)
			}
		}
		var missing []string
		for _, ra := range r.graph.Missing(r.graph.Clock(lv)) {
			for lv := ra.From; lv <= ra.To; lv++ {
				missing = append(missing, name(lv))
			}
		}
		line(n+" clock", clock(r.graph.Clock(lv)))
		line(n+" covers", covers...)
		line(n+" missing", missing...)
	}
	for i, x := range heads {
		for _, y := range heads[i+1:] {
			meet := r.graph.Clock(r.last[index[x]]).Meet(r.graph.Clock(r.last[index[y]]))
			line("meet "+x+" "+y, clock(meet))
		}
	}
	for who := range byte(26) {
		segments, err := r.graph.Segments(author(int(who)), r)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range segments {
			if len(segments) > 1 {
				from, _ := r.graph.Find(s.Line, s.From)
				to, _ := r.graph.Find(s.Line, s.To)
				line("segment", name(from)+".."+name(to))
			}
		}
	}
	return b.String()
}

// TestDrawings compares what the graph says of each drawing in testdata/graphs with what stands below it. Run it with
// -rewrite to have it written.
func TestDrawings(t *testing.T) {
	files, err := filepath.Glob("testdata/graphs/*.txt")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d drawings, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text := string(must(os.ReadFile(file)))
			art, want, _ := strings.Cut(text, "\n\n")
			got := parseDrawing(t, strings.Split(art, "\n")).report(t)
			if *rewrite {
				if err := os.WriteFile(file, []byte(art+"\n\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
