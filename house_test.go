package kdelta_test

import (
	"go/ast"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// modulePath is the prefix of every import that stays inside the house.
const modulePath = "github.com/kdelta/kdelta"

// floors is the plan: every package stands on one floor, and an import may only
// point to a lower one. "x/..." names the folder x and everything under it; the
// longest match counts. A row for a package that is not built yet is harmless.
var floors = map[string]int{
	"cmd/...":      8, // programs choose adapters and print
	"browser/...":  8,
	"examples/...": 8,

	"bench/...":         8, // programs that measure
	"internal/wasmsize": 8, // a program to be weighed

	"httpapi/...": 7,
	"relay/...":   7,

	"replica":             6, // the composer
	"replica/replicatest": 6,

	"protocol": 5,

	"store":           4,
	"store/storetest": 4,
	"store/memory":    4,
	"store/sqlite":    4,
	"store/indexeddb": 4,

	"history":      3,
	"history/pack": 3,
	"query":        3,

	"crdt":          2,
	"crdt/clock":    2,
	"crdt/sequence": 2,
	"crdt/crdttest": 2,

	"internal/canon":          1,
	"internal/msgpack":        1,
	"identity":                1,
	"transport":               1,
	"transport/transporttest": 1,
	"transport/pipe":          1,
	"transport/ws":            1,
	"transport/noise":         1,
	"transport/p2p":           1,

	"internal/order":     0, // how anything is sorted
	"internal/zstd":      0, // how anything is compressed
	"internal/temporary": 0, // how files are called that are not whole yet
}

// sideways lists the imports that stay on one floor: a folder and the package
// beneath it, an adapter or a kit and its contract, and canon, on which the
// whole ground floor rests.
var sideways = map[string][]string{
	"crdt":                    {"crdt/clock", "crdt/sequence"},
	"crdt/sequence":           {"crdt/clock"},
	"crdt/crdttest":           {"crdt", "crdt/clock"},
	"history/pack":            {"history"},
	"store/storetest":         {"store"},
	"store/memory":            {"store"},
	"store/sqlite":            {"store"},
	"store/indexeddb":         {"store"},
	"replica/replicatest":     {"replica"},
	"internal/msgpack":        {"internal/canon"},
	"identity":                {"internal/canon"},
	"transport/transporttest": {"transport"},
	"transport/pipe":          {"transport"},
	"transport/ws":            {"transport"},
	"transport/noise":         {"transport"},
	"transport/p2p":           {"transport"},
}

// pure lists the packages that are arithmetic on facts.
var pure = []string{
	"internal/canon", "identity", "crdt", "crdt/clock", "crdt/sequence", "history", "history/pack", "query",
	"protocol",
}

// impureImports are refused in pure packages; "x/..." includes what is under x.
var impureImports = map[string]string{
	"net/...":          "bytes arrive through transport",
	"os/...":           "files belong to store and cmd",
	"database/sql/...": "rows belong to store/sqlite",
	"syscall/...":      "the machine, or the browser, belongs to adapters",
	"log/...":          "the caller is told by a returned error; replica owns the one logger",
	"math/rand/...":    "equal inputs must give equal bytes: take an io.Reader",
	"crypto/rand":      "equal inputs must give equal bytes: take an io.Reader",
	"encoding/json":    "it costs the browser module over 200 kB",
	"reflect":          "it keeps whole method sets alive in the browser module",
}

// impureTime are the functions of package time that read or wait for the clock
// of the machine.
var impureTime = []string{
	"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker",
}

// adapters are the concrete implementations of store and transport.
var adapters = []string{
	"store/memory", "store/sqlite", "store/indexeddb", "transport/pipe", "transport/ws", "transport/p2p",
}

// builtIn lists the adapters that a package below the programs may name.
var builtIn = map[string][]string{
	"replica": {"transport/pipe"}, // SyncPair joins two replicas of one process with it
}

// doors says which package alone may import a third-party module. A module with
// two candidates stands in one of them, not in both.
var doors = map[string][]string{
	"github.com/hashicorp/go-msgpack":        {"internal/msgpack"},
	"github.com/mattn/go-sqlite3":            {"store/sqlite"},
	"modernc.org/sqlite":                     {"store/sqlite"},
	"github.com/tidwall/btree":               {"store/memory"},
	"github.com/klauspost/compress":          {"internal/zstd"},
	"github.com/segmentio/asm":               {"internal/canon"},
	"filippo.io/edwards25519":                {"identity"},
	"github.com/hdevalence/ed25519consensus": {"identity"},
	"github.com/gorilla/websocket":           {"transport/ws"},
	"github.com/flynn/noise":                 {"transport/noise"},
	"github.com/libp2p":                      {"transport/p2p"},
	"github.com/multiformats":                {"transport/p2p"},
	"github.com/alecthomas/kong":             {"cmd/kdelta"},
	"github.com/vbauerster/mpb":              {"cmd/kdelta"},
	"charm.land/lipgloss":                    {"cmd/kdelta"},
	"github.com/charmbracelet":               {"cmd/kdelta"},
	"github.com/rogpeppe/go-internal":        {"cmd/kdelta"},
	"github.com/sergi/go-diff":               {"cmd/kdelta"},
	"golang.org/x/term":                      {"cmd/kdelta"},
	"golang.org/x/sync":                      {"replica"},
	"pgregory.net/rapid":                     nil, // proof kits only
}

// Sizes beyond which a reader loses the thread, in lines. A proof kit is tests.
const (
	maxFile, maxTestFile = 500, 800
	maxFunc, maxTestFunc = 70, 120
)

// law is one rule of the house. check returns each breach as one line that
// starts with where it is.
type law struct {
	name, reason string
	check        func(*house) []string
}

var laws = []law{
	{"floor", "a package without a floor has no place in the plan: add it to floors in house_test.go, and say so in doc.go", floorLaw},
	{"arrows", "an arrow points down, so that each floor can be read, tested and carried to WASM without what is above it", arrowLaw},
	{"wings", "store/* and transport/* never meet: only replica and what is above it joins what is kept with what is carried", wingLaw},
	{"adapters", "only cmd, browser, examples and tests choose an adapter; the rest takes the contract and works with any", adapterLaw},
	{"doors", "each third-party module has one door, so that replacing it is the change of one package", doorLaw},
	{"pure", "below replica there is only arithmetic on facts: same input, same bytes, on every machine and in a browser", pureLaw},
	{"state", "a package-level variable that changes is an argument nobody can see; pure packages have none", stateLaw},
	{"testing", "package testing registers flags and grows binaries: it belongs to _test.go files and proof kits", testingLaw},
	{"doc", "a reader meets the model before the API: each package has a doc.go with the package comment", docLaw},
	{"map", "who comes to a large package asks its doc.go where things are: a map that lacks a file, or has one that is gone, leads nowhere", mapLaw},
	{"size", "one subject per file, one thought per function", sizeLaw},
	{"done", "what is in the tree is finished; what is not belongs in the plan", doneLaw},
}

// TestHouse holds the tree to the laws.
func TestHouse(t *testing.T) {
	h := loadHouse(t, os.DirFS("."))
	for _, l := range laws {
		t.Run(l.name, func(t *testing.T) {
			for _, breach := range l.check(h) {
				t.Errorf("%s\n\twhy: %s", breach, l.reason)
			}
		})
	}
}

func floorLaw(h *house) (breaches []string) {
	for _, p := range h.packages {
		if _, ok := floorOf(p.dir); !ok && p.dir != "." {
			breaches = append(breaches, p.dir+": package has no floor")
		}
	}
	return breaches
}

func arrowLaw(h *house) (breaches []string) {
	h.eachImport(func(p *pkg, f *file, target string) {
		dir, inside := insideHouse(target)
		if !inside || f.test {
			return
		}
		from, known := floorOf(p.dir)
		to, ok := floorOf(dir)
		switch {
		case !known: // floorLaw speaks of it
		case !ok:
			breaches = append(breaches, f.path+": imports "+dir+", which has no floor")
		case to < from, slices.Contains(sideways[p.dir], dir), sameProgram(p.dir, dir):
		default:
			breaches = append(breaches, f.path+": floor "+strconv.Itoa(from)+" imports "+dir+" on floor "+strconv.Itoa(to))
		}
	})
	return breaches
}

func wingLaw(h *house) (breaches []string) {
	h.eachImport(func(p *pkg, f *file, target string) {
		dir, inside := insideHouse(target)
		floor, _ := floorOf(p.dir)
		if !inside || f.test || floor >= 6 {
			return
		}
		for _, wing := range []string{"store", "transport"} {
			if within(dir, wing) && !within(p.dir, wing) {
				breaches = append(breaches, f.path+": imports "+dir+" from below replica")
			}
		}
	})
	return breaches
}

func adapterLaw(h *house) (breaches []string) {
	h.eachImport(func(p *pkg, f *file, target string) {
		dir, inside := insideHouse(target)
		if !inside || f.test || !slices.Contains(adapters, dir) || dir == p.dir {
			return
		}
		if floor, _ := floorOf(p.dir); floor < 8 && !isKit(p.dir) && !slices.Contains(builtIn[p.dir], dir) {
			breaches = append(breaches, f.path+": names the adapter "+dir)
		}
	})
	return breaches
}

func doorLaw(h *house) (breaches []string) {
	opened := map[string]string{} // module: the package that took its door
	h.eachImport(func(p *pkg, f *file, target string) {
		if _, inside := insideHouse(target); inside || f.test || isStandard(target) {
			return
		}
		module, allowed := doorOf(target)
		taken := opened[module]
		switch {
		case module == "":
			breaches = append(breaches, f.path+": imports "+target+", which has no door: give it one in house_test.go")
		case len(allowed) == 0 && isKit(p.dir):
		case !slices.Contains(allowed, p.dir):
			breaches = append(breaches, f.path+": imports "+target+", whose door is ["+strings.Join(allowed, " or ")+"]")
		case taken != "" && taken != p.dir:
			breaches = append(breaches, f.path+": imports "+target+", which stands in "+taken+" already")
		default:
			opened[module] = p.dir
		}
	})
	return breaches
}

func pureLaw(h *house) (breaches []string) {
	h.eachImport(func(p *pkg, f *file, target string) {
		if f.test || !slices.Contains(pure, p.dir) {
			return
		}
		if reason, bad := lookup(impureImports, target); bad {
			breaches = append(breaches, f.path+": imports "+target+": "+reason)
		}
	})
	for _, p := range h.packages {
		if !slices.Contains(pure, p.dir) {
			continue
		}
		for _, f := range p.shipped() {
			breaches = append(breaches, impureCode(h, f)...)
		}
	}
	return breaches
}

// impureCode finds goroutines and reads of the machine's clock.
func impureCode(h *house, f *file) (breaches []string) {
	timeName := f.importName("time")
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			breaches = append(breaches, h.at(n)+": starts a goroutine")
		case *ast.SelectorExpr:
			x, ok := n.X.(*ast.Ident)
			if ok && timeName != "" && x.Name == timeName && slices.Contains(impureTime, n.Sel.Name) {
				breaches = append(breaches, h.at(n)+": uses time."+n.Sel.Name+": take a clock.Wall")
			}
		}
		return true
	})
	return breaches
}

func stateLaw(h *house) (breaches []string) {
	for _, p := range h.packages {
		if slices.Contains(pure, p.dir) {
			breaches = append(breaches, mutableVars(h, p)...)
		}
	}
	return breaches
}

func testingLaw(h *house) (breaches []string) {
	h.eachImport(func(p *pkg, f *file, target string) {
		if (target == "testing" || strings.HasPrefix(target, "testing/")) && !f.test && !isKit(p.dir) {
			breaches = append(breaches, f.path+": imports "+target)
		}
	})
	return breaches
}

func docLaw(h *house) (breaches []string) {
	for _, p := range h.packages {
		if len(p.shipped()) == 0 {
			continue
		}
		i := slices.IndexFunc(p.files, func(f *file) bool { return path.Base(f.path) == "doc.go" })
		if i < 0 {
			breaches = append(breaches, p.dir+": has no doc.go")
			continue
		}
		doc := p.files[i].syntax.Doc.Text()
		if !strings.HasPrefix(doc, "Package ") && !strings.HasPrefix(doc, "Command ") {
			breaches = append(breaches, p.files[i].path+": has no comment that starts with Package or Command")
		}
	}
	return breaches
}

// fileName finds the Go files that a text names; those with a folder before them are elsewhere.
var fileName = regexp.MustCompile(`[a-z0-9_/]+\.go\b`)

// mapLaw: a package comment names no file that is not beside it, and one with a section "Reading on" names all that are
// shipped. name_js.go goes with name.go.
func mapLaw(h *house) (breaches []string) {
	for _, p := range h.packages {
		i := slices.IndexFunc(p.files, func(f *file) bool { return path.Base(f.path) == "doc.go" })
		if i < 0 {
			continue // docLaw speaks of it
		}
		at, doc := p.files[i].path, p.files[i].syntax.Doc.Text()
		named := fileName.FindAllString(doc, -1)
		for _, name := range named {
			is := func(f *file) bool { return path.Base(f.path) == name }
			if !strings.Contains(name, "/") && !slices.ContainsFunc(p.files, is) {
				breaches = append(breaches, at+": names "+name+", which is not there")
			}
		}
		if !strings.Contains(doc, "# Reading on\n") {
			continue
		}
		for _, f := range p.shipped() {
			name := strings.Replace(path.Base(f.path), "_js.go", ".go", 1)
			if name != "doc.go" && !slices.Contains(named, name) {
				breaches = append(breaches, at+": Reading on lacks "+name)
			}
		}
	}
	return breaches
}

func sizeLaw(h *house) (breaches []string) {
	for _, p := range h.packages {
		for _, f := range p.files {
			fileLimit, funcLimit := maxFile, maxFunc
			if f.test || isKit(p.dir) {
				fileLimit, funcLimit = maxTestFile, maxTestFunc
			}
			if f.lines > fileLimit {
				breaches = append(breaches, f.path+": "+strconv.Itoa(f.lines)+" lines, the limit is "+strconv.Itoa(fileLimit))
			}
			for _, d := range f.syntax.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok {
					continue
				}
				if n := h.line(fn.End()) - h.line(fn.Pos()) + 1; n > funcLimit {
					breaches = append(breaches, h.at(fn)+": "+fn.Name.Name+" has "+strconv.Itoa(n)+" lines, the limit is "+strconv.Itoa(funcLimit))
				}
			}
		}
	}
	return breaches
}

// unfinished are the words with which a comment admits that work was left.
var unfinished = []string{"TODO", "FIXME", "XXX", "HACK"}

func doneLaw(h *house) (breaches []string) {
	for _, p := range h.packages {
		for _, f := range p.files {
			for _, group := range f.syntax.Comments {
				for _, c := range group.List {
					for _, word := range words(c.Text) {
						if slices.Contains(unfinished, word) {
							breaches = append(breaches, h.at(c)+": a comment says "+word)
						}
					}
				}
			}
		}
	}
	return breaches
}
