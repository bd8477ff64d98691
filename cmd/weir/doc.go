// Command weir is the whole platform in one binary.
//
// main.go and commands.go read the command line, one file a subcommand does the
// work. config.go holds every setting. roles.go is the flat table of what runs,
// in the order in which it starts; backings.go is what the services among them
// stand on, users.go the user-service, liverole.go the live-service.
//
// Where the two pillars meet, what ingest, media and packager have to do with services is
// said in one file for each matter: media.go and pipeline.go (what runs for a stream),
// control.go (who may publish, and what becomes of a session), circle.go, elsewhere.go and
// limits.go (whom it turns away), capacity.go (for how many there is room), checkpoint.go,
// handover.go and drain.go (how a stream goes on in another process), bridge.go, cameras.go,
// restream.go and plays.go (what comes from and goes to other places).
//
// Opening (bind, read, create) comes before running and fails with one line that
// says what to do; running only serves, until a signal ends it.
package main
