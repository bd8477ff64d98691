package live

import (
	"embed"
	"io/fs"

	"weir/services/backing/db"
)

//go:embed migrations
var files embed.FS

// Migrations is the schema of this service.
func Migrations() db.Set {
	sub, err := fs.Sub(files, "migrations")
	if err != nil { // the name is a constant and valid
		return db.Set{Name: "live", FS: files}
	}
	return db.Set{Name: "live", FS: sub}
}
