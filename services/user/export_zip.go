package user

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/google/uuid"

	"weir/services/auth"
	"weir/services/backing/blob"
)

// exportPage is how many rows are in memory at once.
const exportPage = 500

// errLost ends the making of an export that is not ours any more.
var errLost = errors.New("the export was deleted, or is made by another process")

// exporter writes one export.
type exporter struct {
	s    *Service
	e    *export
	zip  *zip.Writer
	beat time.Time // of the last sign of life
}

// exportedAccount is account.json.
type exportedAccount struct {
	ID            uuid.UUID   `json:"id"`
	Username      string      `json:"username"`
	Email         string      `json:"email"`
	EmailVerified *time.Time  `json:"email_verified_at"`
	HasPassword   bool        `json:"has_password"`
	Role          auth.Role   `json:"role"`
	Followers     int64       `json:"followers"`
	Following     int64       `json:"following"`
	Suspension    *Suspension `json:"suspension"`
	Created       time.Time   `json:"created_at"`
	Updated       time.Time   `json:"updated_at"`
	Exported      time.Time   `json:"exported_at"`
}

// write writes the whole zip, a page of rows in memory at a time.
func (x *exporter) write(ctx context.Context, to io.Writer) error {
	x.zip = zip.NewWriter(to)
	a, err := x.s.store().account(ctx, x.e.user)
	if err != nil {
		return err
	}
	if a.Deleted != nil {
		return errLost
	}
	account := exportedAccount{
		ID: a.ID, Username: a.Username, Email: a.Email, EmailVerified: a.EmailVerified, HasPassword: a.PasswordHash != "", Role: a.Role,
		Followers: a.Followers, Following: a.Following, Suspension: a.Suspension, Created: a.Created, Updated: a.Updated, Exported: x.s.stamp(),
	}
	if err := x.one("account.json", account); err != nil {
		return err
	}
	if err := x.one("profile.json", a.Profile); err != nil {
		return err
	}
	if err := x.lists(ctx); err != nil {
		return err
	}
	for _, kind := range []PictureKind{Avatar, Banner} {
		if err := x.picture(ctx, kind, a); err != nil {
			return err
		}
	}
	return x.zip.Close()
}

func (x *exporter) lists(ctx context.Context) error {
	st, user := x.s.store(), x.e.user
	for _, f := range []struct {
		name string
		list followList
	}{{"follows.json", Store.following}, {"followers.json", Store.followers}} {
		start, err := parsePlace("")
		if err != nil {
			return err
		}
		err = list(ctx, x, f.name, func() ([]Followed, error) {
			page, err := f.list(st, ctx, user, start, exportPage)
			if len(page) > 0 {
				last := page[len(page)-1]
				start = place{at: last.Since, id: last.ID}
			}
			return page, err
		})
		if err != nil {
			return err
		}
	}
	sessions, err := x.s.Sessions(ctx, auth.Identity{User: user})
	if err != nil {
		return err
	}
	if err := x.one("sessions.json", sessions); err != nil {
		return err
	}
	links, _, err := x.s.IdentityLinks(ctx, auth.Identity{User: user})
	if err != nil {
		return err
	}
	if err := x.one("identities.json", links); err != nil {
		return err
	}
	before := uuid.Max
	return list(ctx, x, "security-events.json", func() ([]SecurityEvent, error) {
		page, err := st.securityEvents(ctx, user, before, exportPage)
		if len(page) > 0 {
			before = page[len(page)-1].ID
		}
		return page, err
	})
}

// create begins a file.
func (x *exporter) create(name string, method uint16) (io.Writer, error) {
	return x.zip.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: x.s.stamp()})
}

// one writes a file that is small.
func (x *exporter) one(name string, v any) error {
	w, err := x.create(name, zip.Deflate)
	if err != nil {
		return err
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// list writes a JSON array of all pages, until one is short.
func list[T any](ctx context.Context, x *exporter, name string, next func() ([]T, error)) error {
	w, err := x.create(name, zip.Deflate)
	if err != nil {
		return err
	}
	before := "[\n"
	for {
		page, err := next()
		if err != nil {
			return err
		}
		for _, item := range page {
			line, err := json.Marshal(item)
			if err != nil {
				return err
			}
			if _, err := io.WriteString(w, before+string(line)); err != nil {
				return err
			}
			before = ",\n"
		}
		if len(page) < exportPage {
			break
		}
		if err := x.alive(ctx); err != nil {
			return err
		}
	}
	if before == "[\n" {
		_, err = io.WriteString(w, "[]\n")
	} else {
		_, err = io.WriteString(w, "\n]\n")
	}
	return err
}

// picture copies one that is there; it may have been replaced meanwhile.
func (x *exporter) picture(ctx context.Context, kind PictureKind, a *Account) error {
	keys := kind.keys(a.ID, kind.name(a))
	if len(keys) == 0 {
		return nil
	}
	r, _, err := x.s.blobs.Get(ctx, keys[0], blob.Range{})
	if errors.Is(err, blob.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := x.create(string(kind)+".jpg", zip.Store)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return err
}

// alive keeps the claim, so that no other process begins anew.
func (x *exporter) alive(ctx context.Context) error {
	now := x.s.now()
	if now.Sub(x.beat) < exportBeat {
		return nil
	}
	x.beat = now
	return x.s.within(ctx, func(ctx context.Context, st Store) error {
		mine, err := st.extendExport(ctx, x.e, x.s.stamp().Add(exportClaim))
		if err == nil && !mine {
			return errLost
		}
		return err
	})
}
