package main

import (
	"flag"
	"net/http"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// describedIn is the API of all services together, as it was when the web app's types
// were made of it.
const describedIn = "../../web/apitypes/openapi.yaml"

// The web app is compiled against the API that this program serves.
func TestDescriptionIsWhatTheWebAppKnows(t *testing.T) {
	kept, err := os.ReadFile(describedIn)
	if err != nil && !*update {
		t.Fatal(err)
	}
	banner, _ := startAll(t, quiet("WEIR_DATA_DIR="+t.TempDir()))
	status, served := get(t, find(t, `Watch\s+(http://\S+)/\n`, banner)+"/api/v1/openapi.yaml")
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, served)
	}
	if *update {
		if err := os.WriteFile(describedIn, []byte(served), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if served != string(kept) {
		t.Error("the API is not what web/apitypes/openapi.yaml says: run make golden, which makes the web app's types of it too, look at the difference and commit it")
	}
}
