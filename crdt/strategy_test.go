package crdt

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/kdelta/kdelta/internal/canon"
)

type custom struct {
	name    string
	resolve func(Siblings) (Value, error)
}

func (c custom) Name() string { return c.name }

func (c custom) Resolve(s Siblings) (Value, error) { return c.resolve(s) }

type threeWay struct{ custom }

func (threeWay) NeedsBase() bool { return true }

func twoPuts(t *testing.T) *State {
	t.Helper()
	w, _ := build([]at{{"a", 1, 1, "", one(put("1"))}, {"b", 1, 2, "a", one(put("2"))}, {"c", 2, 3, "a", one(put("3"))}})
	return mustFold(t, w, w.creation()).state
}

func TestCustomStrategy(t *testing.T) {
	s := twoPuts(t)
	asked := 0
	base := func() (Value, bool) { asked++; return js("1"), true }
	sum := func(c Siblings) (Value, error) {
		total := int64(0)
		for _, x := range c.Values {
			n, _ := x.Value.AsInt()
			total += n
		}
		from, _ := c.Base.AsInt()
		return canon.Int(from + total)
	}
	if v := s.View(threeWay{custom{"sum/1", sum}}, base); text(v.Value) != "6" || asked != 1 || v.Strategy != "sum/1" {
		t.Errorf("with base: %s by %s, base asked for %d times", text(v.Value), v.Strategy, asked)
	}
	v := s.View(custom{"sum/1", sum}, base)
	if text(v.Value) != "5" || asked != 1 {
		t.Errorf("without base: %s, base asked for %d times", text(v.Value), asked)
	}
	if c := v.Conflicts; len(c) != 1 || len(c[0].Others) != 2 || text(c[0].Chosen.Value) != "5" || !c[0].Chosen.Merged || !c[0].Others[0].Merged || len(c[0].Sides) != 2 {
		t.Errorf("conflicts %+v", c)
	}
	if v := SimpleState(v.At, js("9")).View(custom{"sum/1", sum}, base); text(v.Value) != "9" || v.Conflicts != nil {
		t.Errorf("one value is shown as %s", text(v.Value))
	}
}

// I16: a strategy that fails changes the view of its key to LWW, and nothing else.
func TestFailingStrategies(t *testing.T) {
	for says, resolve := range map[string]func(Siblings) (Value, error){
		"test":            func(Siblings) (Value, error) { return nil, errTest },
		"panicked: oh":    func(Siblings) (Value, error) { panic("oh") },
		"panicked: test":  func(Siblings) (Value, error) { panic(errTest) },
		"no error":        func(Siblings) (Value, error) { panic(1) },
		"index out of":    func(c Siblings) (Value, error) { return c.Values[9].Value, nil },
		"not canonical":   func(Siblings) (Value, error) { return Value{0xc1}, nil },
		"shows nothing":   func(Siblings) (Value, error) { return nil, nil },
		"trailing bytes":  func(Siblings) (Value, error) { return Value{1, 1}, nil },
		"not canonical: ": func(Siblings) (Value, error) { return Value{}, nil },
	} {
		s := twoPuts(t)
		before := s.Append(nil)
		v := s.View(custom{"bad/1", resolve}, nil)
		want := s.View(LWW(), nil)
		if v.Strategy != "lww/1" || text(v.Value) != text(want.Value) || v.At != want.At || len(v.Conflicts) != 1 {
			t.Errorf("%s: shows %s by %s", says, text(v.Value), v.Strategy)
		}
		if !errors.Is(v.Fault, ErrStrategy) || !strings.Contains(v.Fault.Error()+": ", says) {
			t.Errorf("the fault is %v, want %q", v.Fault, says)
		}
		if string(s.Append(nil)) != string(before) {
			t.Errorf("%s: the view changed the state", says)
		}
	}
	vandal := custom{"vandal/1", func(c Siblings) (Value, error) {
		c.Values[0].Value[0] = 0x7f
		return c.Values[0].Value, nil
	}}
	s := twoPuts(t)
	before := s.Append(nil)
	if s.View(vandal, nil); string(s.Append(nil)) != string(before) {
		t.Error("a strategy changed the state through its siblings")
	}
}

func TestStrategyMayDelete(t *testing.T) {
	w, names := build([]at{{"a", 1, 1, "", one(put("1"))}, {"d", 1, 2, "a", one(del())}, {"c", 2, 3, "a", one(put("3"))}})
	deletes := custom{"deletes/1", func(Siblings) (Value, error) { return nil, nil }}
	v := show(t, w, deletes)
	if v.Kind != KindNone || v.Value != nil || v.At != w.versions[names["d"]].stamp || v.Strategy != "deletes/1" {
		t.Errorf("shows %+v", v)
	}
}

func TestRegistry(t *testing.T) {
	named := func(name string) Strategy { return custom{name: name} }
	r, err := NewRegistry(named("mine/2"), named("mine/10"), named("mine/9"), named("lww/2"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"mine": "mine/10", "mine/2": "mine/2", "lww": "lww/2", "lww/1": "lww/1", "fields": "fields/1", "no": "", "mine/3": ""} {
		if s, ok := r.Lookup(name); ok != (want != "") || ok && s.Name() != want {
			t.Errorf("%q finds %v, %v, want %q", name, s, ok, want)
		}
	}
	if got := r.Names(); len(got) != 10 || !slices.IsSorted(got) {
		t.Errorf("the names are %q", got)
	}
	for _, name := range []string{"", "x", "x/", "/1", "x/0", "x/01", "x/-1", "X/1", "a b/1", "x/1/2", "lww/1", strings.Repeat("x", 64) + "/1"} {
		if _, err := NewRegistry(named(name)); !errors.Is(err, ErrStrategy) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := NewRegistry(nil); !errors.Is(err, ErrStrategy) {
		t.Errorf("nil: %v", err)
	}
	if _, ok := (Registry{}).Lookup("lww"); ok {
		t.Error("the zero Registry knows lww")
	}
}
