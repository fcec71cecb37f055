package crdt

import (
	"slices"
	"strconv"
	"strings"

	"github.com/kdelta/kdelta/internal/order"
)

// Registry holds the strategies that a replica knows: the built-in ones and the application's. The zero Registry knows
// none; make one with NewRegistry.
type Registry struct {
	byName map[string]Strategy
	newest map[string]string
}

// NewRegistry returns a registry of the built-in strategies and the custom ones. The error wraps ErrStrategy for a nil
// strategy, a name that is not like "name/1" (a to z, digits and '-', then a version from 1), and a name that is
// taken.
func NewRegistry(custom ...Strategy) (Registry, error) {
	r := Registry{byName: make(map[string]Strategy), newest: make(map[string]string)}
	builtin := []Strategy{LWW(), MV(), Max(), Min(), Union(), Fields()}
	for _, s := range slices.Concat(builtin, custom) {
		if s == nil {
			return Registry{}, fault(ErrStrategy, "it is nil")
		}
		if err := r.add(s); err != nil {
			return Registry{}, err
		}
	}
	return r, nil
}

func (r *Registry) add(s Strategy) error {
	name := s.Name()
	short, version, ok := splitName(name)
	if !ok {
		return fault(ErrStrategy, "the name "+strconv.Quote(name)+" must be lower-case letters, digits and '-', then '/' and a version from 1")
	}
	if _, taken := r.byName[name]; taken {
		return fault(ErrStrategy, "the name "+strconv.Quote(name)+" is taken: raise its version")
	}
	r.byName[name] = s
	if _, newest, _ := splitName(r.newest[short]); version > newest {
		r.newest[short] = name
	}
	return nil
}

// splitName splits "lww/1" into "lww" and 1.
func splitName(name string) (short string, version int, ok bool) {
	short, digits, _ := strings.Cut(name, "/")
	version, err := strconv.Atoi(digits)
	if err != nil || version < 1 || strconv.Itoa(version) != digits || short == "" || len(name) > 64 {
		return "", 0, false
	}
	plain := strings.Trim(short, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
	return short, version, plain
}

// Lookup returns the strategy of a name with its version ("lww/1"), or the newest of a short name ("lww").
func (r Registry) Lookup(name string) (Strategy, bool) {
	if full, ok := r.newest[name]; ok {
		name = full
	}
	s, ok := r.byName[name]
	return s, ok
}

// Names returns the names of all strategies with their versions, ascending.
func (r Registry) Names() []string {
	names := make([]string, 0, len(r.byName))
	for name := range r.byName {
		names = append(names, name)
	}
	order.Sort(names, strings.Compare)
	return names
}
