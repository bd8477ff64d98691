//go:build servers

package main

import (
	"os"
	"testing"

	"weir/services/backing/blob/blobtest"
	"weir/services/backing/bus/bustest"
	"weir/services/backing/db/dbtest"
	"weir/services/backing/redis/redistest"
)

// TestServersAPI is TestAPI where PostgreSQL, Redis, RabbitMQ and S3 are under it.
func TestServersAPI(t *testing.T) {
	store := blobtest.Bucket(t)
	useAPI(t, "WEIR_DATABASE_URL="+dbtest.Postgres(t).URL, "WEIR_REDIS_URL="+os.Getenv(redistest.Env), "WEIR_AMQP_URL="+os.Getenv(bustest.Variable),
		"WEIR_S3_ENDPOINT="+store.Endpoint, "WEIR_S3_BUCKET="+store.Bucket, "WEIR_S3_ACCESS_KEY="+store.AccessKey, "WEIR_S3_SECRET_KEY="+store.SecretKey)
}
