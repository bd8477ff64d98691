// Command weir is the whole platform in one binary.
//
// main.go and commands.go read the command line, one file a subcommand does the
// work. config.go holds every setting. roles.go is the flat table of what runs,
// in the order in which it starts; backings.go is what the services among them
// stand on, users.go the user-service, liverole.go the live-service. media.go, pipeline.go,
// bridge.go and control.go are the only places that know both pillars: everything that ingest, media and packager
// have to do with services is said there.
//
// Opening (bind, read, create) comes before running and fails with one line that
// says what to do; running only serves, until a signal ends it.
package main
