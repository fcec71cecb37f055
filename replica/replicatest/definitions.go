package replicatest

import "slices"

// definitions are what a set of versions must show, by the definitions, to whom knows of some erasures and of some strategies. A
// world recalls the last ones: in the end all hold the same.
type definitions struct {
	id        string
	shown     map[string]Shown
	keys      []string
	conflicts []string
}

// defined are the definitions of what a replica holds, as far as they were computed already.
func (d *device) defined() *definitions {
	w := d.w
	w.model.by(&d.gone)
	id := d.seen.ID() + " " + d.gone.id
	def := w.defined[d.knowsRare]
	if def == nil || def.id != id {
		def = &definitions{id: id, shown: make(map[string]Shown)}
		w.defined[d.knowsRare] = def
	}
	return def
}

// shown is what the definitions say of a key here.
func (d *device) shown(key string) Shown {
	def := d.defined()
	shown, known := def.shown[key]
	if !known {
		shown = d.w.model.View(d.seen, key, d.knows)
		def.shown[key] = shown
	}
	return shown
}

// touched are the keys that the versions here touch, ascending, kdelta's own included.
func (d *device) touched() []string {
	def := d.defined()
	if def.keys == nil {
		def.keys = d.w.model.Keys(d.seen)
	}
	return def.keys
}

// wantedConflicts are the lines of all conflicts that there must be here, ascending.
func (d *device) wantedConflicts() []string {
	def := d.defined()
	if def.conflicts == nil {
		entries := d.w.model.Entries(d.seen, d.shown)
		def.conflicts = make([]string, 0, len(entries))
		for i := range entries {
			e := d.w.model.whileOpen(entries[i], d.knows)
			def.conflicts = append(def.conflicts, d.w.wantedLine(&e, d))
		}
		slices.Sort(def.conflicts)
	}
	return def.conflicts
}
