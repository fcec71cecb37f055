package kdelta_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// house is the parsed tree of one module, whatever the build tags.
type house struct {
	files    *token.FileSet
	packages []*pkg // sorted by dir
}

// pkg is one folder with Go files. dir is relative to the module, "." its root.
type pkg struct {
	dir   string
	files []*file
}

type file struct {
	path   string
	test   bool
	lines  int
	syntax *ast.File
}

// loadHouse parses every package under root. Folders that the go command
// ignores, and other modules inside the tree, are no part of the house.
func loadHouse(t *testing.T, root fs.FS) *house {
	t.Helper()
	h := &house{files: token.NewFileSet()}
	rooms := map[string]*pkg{}
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return enter(root, name)
		case !strings.HasSuffix(name, ".go"):
			return nil
		}
		f, err := h.parse(root, name)
		if err != nil {
			return err
		}
		dir := path.Dir(name)
		if rooms[dir] == nil {
			rooms[dir] = &pkg{dir: dir}
			h.packages = append(h.packages, rooms[dir])
		}
		rooms[dir].files = append(rooms[dir].files, f)
		return nil
	})
	if err != nil {
		t.Fatalf("read the tree: %v", err)
	}
	slices.SortFunc(h.packages, func(a, b *pkg) int { return strings.Compare(a.dir, b.dir) })
	return h
}

// enter decides whether the walk goes into a folder.
func enter(root fs.FS, dir string) error {
	if dir == "." {
		return nil
	}
	base := path.Base(dir)
	if base[0] == '.' || base[0] == '_' || base == "testdata" || base == "node_modules" {
		return fs.SkipDir
	}
	if _, err := fs.Stat(root, path.Join(dir, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func (h *house) parse(root fs.FS, name string) (*file, error) {
	src, err := fs.ReadFile(root, name)
	if err != nil {
		return nil, err
	}
	syntax, err := parser.ParseFile(h.files, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	return &file{
		path:   name,
		test:   strings.HasSuffix(name, "_test.go"),
		lines:  bytes.Count(src, []byte("\n")),
		syntax: syntax,
	}, nil
}

// eachImport calls visit for every import of every file.
func (h *house) eachImport(visit func(p *pkg, f *file, target string)) {
	for _, p := range h.packages {
		for _, f := range p.files {
			for _, spec := range f.syntax.Imports {
				visit(p, f, importPath(spec))
			}
		}
	}
}

func (h *house) line(pos token.Pos) int { return h.files.Position(pos).Line }

// at is where a node stands, as file:line.
func (h *house) at(n ast.Node) string {
	pos := h.files.Position(n.Pos())
	return pos.Filename + ":" + strconv.Itoa(pos.Line)
}

// shipped are the files that a program which imports p gets.
func (p *pkg) shipped() []*file {
	return slices.DeleteFunc(slices.Clone(p.files), func(f *file) bool { return f.test })
}

// importName is the name under which f knows a package of the standard library,
// or "" where it does not import it.
func (f *file) importName(target string) string {
	for _, spec := range f.syntax.Imports {
		switch {
		case importPath(spec) != target:
		case spec.Name != nil:
			return spec.Name.Name
		default:
			return path.Base(target)
		}
	}
	return ""
}

func importPath(spec *ast.ImportSpec) string {
	target, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value // the parser refuses such a file before this
	}
	return target
}

// insideHouse gives the folder of an import, and whether it is one of ours.
func insideHouse(target string) (dir string, inside bool) {
	if target == modulePath {
		return ".", true
	}
	return strings.CutPrefix(target, modulePath+"/")
}

// within reports whether dir is root or lies under it.
func within(dir, root string) bool {
	return dir == root || strings.HasPrefix(dir, root+"/")
}

// lookup finds the most exact row for name in a table whose keys may be "x/...".
func lookup[V any](table map[string]V, name string) (V, bool) {
	if v, ok := table[name]; ok {
		return v, true
	}
	for dir := name; dir != "." && dir != "/"; dir = path.Dir(dir) {
		if v, ok := table[dir+"/..."]; ok {
			return v, true
		}
	}
	var none V
	return none, false
}

func floorOf(dir string) (int, bool) { return lookup(floors, dir) }

// doorOf gives the module of a foreign import and the packages allowed to use it.
func doorOf(target string) (module string, allowed []string) {
	for m, packages := range doors {
		if within(target, m) && len(m) > len(module) {
			module, allowed = m, packages
		}
	}
	return module, allowed
}

func isStandard(target string) bool {
	first, _, _ := strings.Cut(target, "/")
	return !strings.Contains(first, ".")
}

// isKit reports whether dir is a public proof kit, which may import testing.
func isKit(dir string) bool {
	return slices.Contains([]string{"crdttest", "storetest", "transporttest", "replicatest"}, path.Base(dir))
}

// sameProgram reports whether two folders are parts of one program.
func sameProgram(a, b string) bool {
	return programOf(a) != "" && programOf(a) == programOf(b)
}

func programOf(dir string) string {
	parts := strings.Split(dir, "/")
	switch {
	case parts[0] == "browser":
		return "browser"
	case (parts[0] == "cmd" || parts[0] == "examples") && len(parts) > 1:
		return parts[0] + "/" + parts[1]
	}
	return ""
}

// words splits a comment into its words.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// mutableVars finds the package-level variables of p that its own code changes,
// takes the address of, or declares with a type that exists to be changed.
func mutableVars(h *house, p *pkg) (breaches []string) {
	files := p.shipped()
	uses := resolve(h, files)
	complain := func(n ast.Node, what string) { breaches = append(breaches, h.at(n)+": "+what) }
	changed := func(e ast.Expr) {
		if id := rootIdent(e); id != nil {
			if v, ok := uses[id].(*types.Var); ok && v.Pkg() != nil && v.Parent() == v.Pkg().Scope() {
				complain(e, "changes the package variable "+id.Name)
			}
		}
	}
	for _, f := range files {
		for _, n := range lockedVars(f) {
			complain(n, "declares a package variable of package sync")
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, left := range n.Lhs {
					changed(left)
				}
			case *ast.IncDecStmt:
				changed(n.X)
			case *ast.RangeStmt:
				changed(n.Key)
				changed(n.Value)
			case *ast.UnaryExpr:
				if n.Op == token.AND {
					changed(n.X)
				}
			case *ast.CallExpr:
				if fn, ok := n.Fun.(*ast.Ident); ok && slices.Contains([]string{"delete", "clear", "copy"}, fn.Name) {
					changed(n.Args[0])
				}
			}
			return true
		})
	}
	return breaches
}

// lockedVars finds package-level variables made of sync and sync/atomic types.
// sync.OnceValue and its kin are constants that are computed late.
func lockedVars(f *file) (found []ast.Node) {
	names := []string{f.importName("sync"), f.importName("sync/atomic")}
	for _, d := range f.syntax.Decls {
		decl, ok := d.(*ast.GenDecl)
		if !ok || decl.Tok != token.VAR {
			continue
		}
		ast.Inspect(decl, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncLit:
				return false
			case *ast.SelectorExpr:
				x, ok := n.X.(*ast.Ident)
				if ok && slices.Contains(names, x.Name) && !strings.HasPrefix(n.Sel.Name, "OnceValue") {
					found = append(found, n)
				}
			}
			return true
		})
	}
	return found
}

// rootIdent is the variable that an expression such as x.f[i] starts from.
func rootIdent(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// resolve says what each name in files stands for. Imports are left empty and
// the errors which follow from that ignored: only the names of the package
// itself matter here.
func resolve(h *house, files []*file) map[*ast.Ident]types.Object {
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: emptyImporter{}, FakeImportC: true, Error: func(error) {}}
	syntax := make([]*ast.File, len(files))
	for i, f := range files {
		syntax[i] = f.syntax
	}
	_, _ = config.Check("p", h.files, syntax, info) // always fails: imports are empty
	return info.Uses
}

type emptyImporter struct{}

func (emptyImporter) Import(target string) (*types.Package, error) {
	p := types.NewPackage(target, path.Base(target))
	p.MarkComplete()
	return p, nil
}
