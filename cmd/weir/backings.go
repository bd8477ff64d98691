package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"weir/services/backing/blob"
	"weir/services/backing/blob/fileblob"
	"weir/services/backing/blob/s3blob"
	"weir/services/backing/bus"
	"weir/services/backing/bus/membus"
	"weir/services/backing/bus/rabbitbus"
	"weir/services/backing/db"
	"weir/services/backing/outbox"
	"weir/services/backing/redis"
	"weir/services/event"
	"weir/services/live"
	"weir/services/live/webhook"
	"weir/services/run"
	"weir/services/user"
)

// backings are what the services stand on. A URL in the settings means the real
// server, none the twin in this process; there is no other switch.
type backings struct {
	db    *db.DB
	redis *redis.Client
	bus   bus.Bus
	blobs closingBlob
}

// closingBlob is a store of objects that is let go of at the end.
type closingBlob interface {
	blob.Blob
	Close() error
}

// databaseFile is the embedded database, in the data folder.
const databaseFile = "weir.db"

// openDatabase opens and migrates the database of the settings.
func openDatabase(ctx context.Context, cfg *Settings, log *slog.Logger) (*db.DB, error) {
	d, err := db.Open(ctx, db.Config{URL: cfg.Store.DatabaseURL, Path: filepath.Join(cfg.Store.DataDir, databaseFile), Log: log})
	if err != nil {
		return nil, backingError("WEIR_DATABASE_URL", cfg.Store.DatabaseURL, err)
	}
	events, err := outbox.Set()
	if err == nil {
		err = d.Migrate(ctx, events, user.Migrations(), live.Migrations())
	}
	if err != nil {
		d.Close()
		return nil, backingError("WEIR_DATABASE_URL", cfg.Store.DatabaseURL, err)
	}
	return d, nil
}

// backingError names the setting when there is one to blame.
func backingError(setting, value string, err error) error {
	if value == "" {
		return err
	}
	return fmt.Errorf("%s: %w", setting, err)
}

// openBackings opens them once for all roles that need them.
func (n *node) openBackings(ctx context.Context) error {
	if n.backings != nil {
		return nil
	}
	b := &backings{}
	if err := b.open(ctx, n); err != nil {
		return errors.Join(err, b.close())
	}
	n.backings = b
	n.state.need("database", b.db.Ping)
	n.state.need("redis", func(ctx context.Context) error { return b.redis.Ping(ctx).Err() })
	n.state.need("events", b.bus.Ready)
	return nil
}

// open opens one after another; after an error close gives back what is open.
func (b *backings) open(ctx context.Context, n *node) (err error) {
	cfg := n.cfg.Store
	if b.db, err = openDatabase(ctx, n.cfg, n.log); err != nil {
		return err
	}
	if b.redis, err = redis.Open(ctx, redis.Config{URL: cfg.RedisURL, Log: n.log}); err != nil {
		return backingError("WEIR_REDIS_URL", cfg.RedisURL, err)
	}
	if b.bus, err = n.newBus(b.db); err != nil {
		return backingError("WEIR_AMQP_URL", cfg.AMQPURL, err)
	}
	if b.blobs, err = openBlobs(ctx, n.cfg); err != nil {
		return backingError("WEIR_S3_ENDPOINT", cfg.S3Endpoint, err)
	}
	return nil
}

// close gives back what is open, last first.
func (b *backings) close() error {
	var err error
	if b.blobs != nil {
		err = b.blobs.Close()
	}
	if b.redis != nil {
		err = errors.Join(err, b.redis.Close())
	}
	if b.db != nil {
		b.db.Close()
	}
	return err
}

// blobFolder is where objects are without S3, in the data folder.
const blobFolder = "blobs"

func openBlobs(ctx context.Context, cfg *Settings) (closingBlob, error) {
	var b closingBlob
	var err error
	if cfg.Store.S3Endpoint == "" {
		b, err = fileblob.Open(filepath.Join(cfg.Store.DataDir, blobFolder))
	} else {
		b, err = s3blob.Open(ctx, bucketOf(cfg.Store))
	}
	if err != nil {
		return nil, err // and no interface around a nil store
	}
	return b, nil
}

func bucketOf(s StoreConfig) s3blob.Config {
	return s3blob.Config{Endpoint: endpointURL(s.S3Endpoint), Bucket: s.S3Bucket, AccessKey: s.S3AccessKey, SecretKey: s.S3SecretKey, Region: s.S3Region}
}

func (n *node) newBus(d *db.DB) (bus.Bus, error) {
	channels, err := live.Open(live.Config{DB: d, Log: n.log}) // handles events by the database alone
	if err != nil {
		return nil, err
	}
	hooks, err := webhook.Open(webhook.Config{DB: d, Log: n.log}) // as channels
	if err != nil {
		return nil, err
	}
	c := bus.Config{DB: d, Log: n.log, Metrics: n.registry, Tracer: n.traces, Groups: event.Groups(), Subscriptions: []bus.Subscription{channels.Subscription(), hooks.Subscription()}}
	if n.cfg.Store.AMQPURL == "" {
		return membus.New(c)
	}
	return rabbitbus.New(rabbitbus.Config{Config: c, URL: n.cfg.Store.AMQPURL})
}

var _ run.Service = (*backings)(nil)

func (b *backings) Name() string { return "backings" }

// Run carries events until ctx is done and gives the backings back: it is started
// before everything that uses them and stopped after it.
func (b *backings) Run(ctx context.Context) error {
	var err error
	if ctx.Err() == nil {
		err = b.bus.Run(ctx)
	}
	return errors.Join(err, b.close())
}
