// Command program does what needs the tables that trimming touches.
package main

import (
	"fmt"
	"os"
	"reflect"
	"runtime"
)

type node struct {
	left, right *node
	value       int
}

func tree(depth int) *node {
	if depth == 0 {
		return &node{value: 1}
	}
	var pad [64]int
	n := &node{left: tree(depth - 1), right: tree(depth - 1), value: pad[depth%64]}
	return n
}

func (n *node) sum() int {
	if n == nil {
		return 0
	}
	return n.value + n.left.sum() + n.right.sum()
}

// caught runs f, and gives what it panicked with.
func caught(f func()) (what string) {
	defer func() { what = fmt.Sprint(recover()) }()
	f()
	return "nothing"
}

func deep(n int) int {
	if n == 0 {
		runtime.GC()
		return 0
	}
	return 1 + deep(n-1)
}

// The kinds of shapes, and one that kind does not know.
type (
	circle   struct{ radius int }
	square   struct{ side int }
	triangle struct{ base, height int }
	ring     struct{ inner, outer int }
	line     struct{ length int }
	cloud    struct{ drops []int }
	tile     struct{ square }
)

// measured is asked for while the program runs, and measure is called through it alone.
type measured interface{ measure() int }

func (s square) measure() int { return s.side * s.side }

// dropper has a method whose name cloud has, too.
type dropper interface{ Drop(n int) }

func (c *cloud) String() string { return fmt.Sprint("a cloud of ", len(c.drops)) }

// Drop is what nothing asks an interface for.
func (c *cloud) Drop() int { return c.drops[0] }

// kind switches by types.
func kind(shape any) string {
	switch shape.(type) {
	case circle:
		return "circle"
	case square:
		return "square"
	case triangle:
		return "triangle"
	case ring:
		return "ring"
	case line:
		return "line"
	case fmt.Stringer:
		return "stringer"
	}
	return "unknown"
}

// knowsMethods reports whether values still have the methods that something asks for.
func knowsMethods() bool {
	sum := 0
	for _, shape := range []any{square{2}, &square{3}, tile{square{4}}, circle{5}} {
		if m, ok := shape.(measured); ok {
			sum += m.measure()
		}
	}
	_, drops := any(&cloud{}).(dropper)
	return sum == 4+9+16 && !drops && reflect.TypeFor[*tile]().Implements(reflect.TypeFor[measured]())
}

// knowsTypes reports whether values still say what they are.
func knowsTypes() bool {
	ok := true
	for want, shape := range map[string]any{
		"circle": circle{1}, "square": square{2}, "triangle": triangle{3, 4}, "ring": ring{5, 6}, "line": line{7},
		"stringer": &cloud{}, "unknown": cloud{},
	} {
		ok = ok && kind(shape) == want
	}
	later := []func() int{(&cloud{drops: []int{8}}).Drop, func() int { return len(os.Args) }}
	numbered := map[ring]*cloud{{1, 2}: {drops: []int{3}}}
	return ok && later[0]() == 8 && fmt.Sprintf("%T %+v %v", later[0], triangle{3, 4}, numbered) == "func() int {base:3 height:4} map[{1 2}:a cloud of 1]" &&
		reflect.SliceOf(reflect.TypeFor[[]circle]()).String() == "[][]main.circle" &&
		reflect.TypeFor[*cloud]().Elem().Field(0).Name == "drops" &&
		reflect.TypeOf(map[string]*square{}) == reflect.MapOf(reflect.TypeFor[string](), reflect.PointerTo(reflect.TypeFor[square]()))
}

// parcel has too many fields for locals: a function that makes one keeps it in its frame.
type parcel struct {
	content []byte
	sealed  bool
	before  *node
	weight  int
}

// parcelOf calls nothing: its frame begins with the parcel.
//
//go:noinline
func parcelOf(content []byte, before *node) parcel {
	p := parcel{content: content, before: before, weight: len(content)}
	if before != nil {
		p.weight = max(p.weight, before.value)
	}
	return p
}

// keepsParcels reports whether a variable that is written word by word, and read as a whole, has what was written.
func keepsParcels() bool {
	before := &node{value: 5}
	p := parcelOf([]byte("abc"), before)
	return string(p.content) == "abc" && p.before == before && p.weight == 5 && !p.sealed
}

func main() {
	sums := make(chan int)
	for range 4 {
		go func() {
			t := tree(10)
			runtime.Gosched()
			sums <- t.sum() + deep(10_000)
		}()
	}
	ok := true
	for range 4 {
		ok = ok && <-sums == 1024+10_000
	}
	var none *node
	list, at := []int{1}, 3
	ok = ok && caught(func() { list[at]++ }) == "runtime error: index out of range [3] with length 1"
	ok = ok && caught(func() { none.value++ }) == "runtime error: invalid memory address or nil pointer dereference"
	ok = ok && caught(func() { panic("thrown") }) == "thrown"
	if !ok || !knowsTypes() || !knowsMethods() || !keepsParcels() {
		os.Exit(1)
	}
}
