package store

// Blobs are files.
type Blobs struct{ db *DB }

func (b *Blobs) init(db *DB) error { b.db = db; return nil }
