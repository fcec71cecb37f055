package sqlite

import "github.com/kdelta/kdelta/store"

// verb is what a statement does with its table. A scan is verbScan and any of the flags.
type verb uint8

const (
	verbGet verb = iota
	verbPut
	verbDelete
	verbBegin // this and the next four have no table
	verbBeginWrite
	verbCommit
	verbRollback
	verbVersion
	verbScan verb = 8
	// The flags of a scan: it has an upper bound, it runs downwards, it reads keys alone.
	scanTo       verb = 1
	scanReverse  verb = 2
	scanKeysOnly verb = 4
	// verbs is how many there are.
	verbs = 16
)

// sql is the text of the statement. The parameters are the key and then the columns, or the bounds of the scan.
func (v verb) sql(t store.Table) string {
	name := t.String()
	switch v {
	case verbGet:
		return "SELECT " + columns(t) + " FROM " + name + " WHERE k = ?"
	case verbDelete:
		return "DELETE FROM " + name + " WHERE k = ?"
	case verbBegin:
		return "BEGIN"
	case verbBeginWrite:
		return "BEGIN IMMEDIATE"
	case verbCommit:
		return "COMMIT"
	case verbRollback:
		return "ROLLBACK"
	case verbVersion:
		return "PRAGMA data_version"
	case verbPut:
		all := columns(t) + derived(t)
		sql := "INSERT OR REPLACE INTO " + name + "(k, " + all + ") VALUES(?"
		for range width(all) {
			sql += ", ?"
		}
		return sql + ")"
	}
	sql := "SELECT k"
	if v&scanKeysOnly == 0 {
		sql += ", " + columns(t)
	}
	sql += " FROM " + name + " WHERE k >= ?"
	if v&scanTo != 0 {
		sql += " AND k < ?"
	}
	sql += " ORDER BY k"
	if v&scanReverse != 0 {
		sql += " DESC"
	}
	return sql
}

func scanVerb(r store.Range, bounded bool) verb {
	v := verbScan
	if bounded {
		v |= scanTo
	}
	if r.Reverse {
		v |= scanReverse
	}
	if r.KeysOnly {
		v |= scanKeysOnly
	}
	return v
}
