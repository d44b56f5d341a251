// A Grafana that keeps dashboards, folders and annotations in memory and knows Grafana's published contract.
//
// Which method and path an operation has, which fields a request may have, and what an answer looks like, is not written down here: it comes
// from Grafana's own client, which is generated from the OpenAPI document that Grafana publishes. A request with a field that the
// contract does not know, or without one that it requires, is answered with 400 as a strict server would.
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/go-openapi/runtime"
	"github.com/go-openapi/strfmt"
	"github.com/grafana/grafana-openapi-client-go/client/annotations"
	"github.com/grafana/grafana-openapi-client-go/client/dashboards"
	"github.com/grafana/grafana-openapi-client-go/client/folders"
	"github.com/grafana/grafana-openapi-client-go/client/health"
	"github.com/grafana/grafana-openapi-client-go/models"
)

// spy is a transport that sends nothing and remembers what would have been sent.
type spy struct{ operation *runtime.ClientOperation }

func (s *spy) Submit(operation *runtime.ClientOperation) (interface{}, error) {
	s.operation = operation
	return nil, fmt.Errorf("not sent")
}

func (s *spy) routeOf(call func()) string {
	call()
	return s.operation.Method + " /api" + s.operation.PathPattern
}

type validated interface {
	Validate(strfmt.Registry) error
}

type store struct {
	dashboards  map[string]map[string]interface{}
	folderOf    map[string]string
	folders     map[string]*models.Folder
	annotations []*models.PostAnnotationsCmd
}

func main() {
	s := &store{dashboards: map[string]map[string]interface{}{}, folderOf: map[string]string{}, folders: map[string]*models.Folder{}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	// The end of standard input is the end of whoever started this.
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}()
	panic(http.Serve(listener, s.routes()))
}

func (s *store) routes() http.Handler {
	sent := &spy{}
	formats := strfmt.Default
	dashboardsClient, foldersClient := dashboards.New(sent, formats), folders.New(sent, formats)
	annotationsClient, healthClient := annotations.New(sent, formats), health.New(sent, formats)
	mux := http.NewServeMux()
	on := func(call func(), handler http.HandlerFunc) { mux.HandleFunc(sent.routeOf(call), authorised(handler)) }
	on(func() { _, _ = dashboardsClient.PostDashboard(nil) }, s.postDashboard)
	on(func() { _, _ = dashboardsClient.GetDashboardByUID("") }, s.getDashboard)
	on(func() { _, _ = foldersClient.CreateFolder(nil) }, s.createFolder)
	on(func() { _, _ = foldersClient.GetFolderByUID("") }, s.getFolder)
	on(func() { _, _ = annotationsClient.PostAnnotation(nil) }, s.postAnnotation)
	mux.HandleFunc(sent.routeOf(func() { _, _ = healthClient.GetHealth() }), func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, &models.HealthResponse{Database: "ok", Version: "12.0.0", Commit: "double"})
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, "", r.Method+" "+r.URL.Path+" is not in the contract")
	})
	return mux
}

func authorised(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, password, isBasic := r.BasicAuth()
		isUser := isBasic && user == "admin" && password == "the password"
		if !isUser && r.Header.Get("Authorization") != "Bearer the-token" {
			fail(w, http.StatusUnauthorized, "", "Invalid API key")
			return
		}
		handler(w, r)
	}
}

// take reads a body that has to be what the contract says.
func take(w http.ResponseWriter, r *http.Request, into validated) bool {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err == nil {
		err = into.Validate(strfmt.Default)
	}
	if err == nil && !strings.HasPrefix(r.Header.Get("Content-Type"), runtime.JSONMime) {
		err = fmt.Errorf("content type %q", r.Header.Get("Content-Type"))
	}
	if err != nil {
		fail(w, http.StatusBadRequest, "", "bad request data: "+err.Error())
	}
	return err == nil
}

func (s *store) postDashboard(w http.ResponseWriter, r *http.Request) {
	command := &models.SaveDashboardCommand{}
	if !take(w, r, command) {
		return
	}
	dashboard, isObject := command.Dashboard.(map[string]interface{})
	uid, _ := dashboard["uid"].(string)
	title, _ := dashboard["title"].(string)
	if !isObject || title == "" || uid == "" {
		fail(w, http.StatusBadRequest, "", "Dashboard title cannot be empty")
		return
	}
	if command.FolderUID != "" && s.folders[command.FolderUID] == nil {
		fail(w, http.StatusBadRequest, "", "folder not found")
		return
	}
	version := int64(1)
	if known := s.dashboards[uid]; known != nil {
		version = known["version"].(int64) + 1
		if !command.Overwrite {
			fail(w, http.StatusPreconditionFailed, "version-mismatch", "The dashboard has been changed by someone else")
			return
		}
	}
	dashboard["version"] = version
	s.dashboards[uid], s.folderOf[uid] = dashboard, command.FolderUID
	status, url, id := "success", "/d/"+uid, int64(len(s.dashboards))
	body := &models.PostDashboardOKBody{Status: &status, UID: &uid, URL: &url, ID: &id, Version: &version, Title: &title}
	answer(w, http.StatusOK, body)
}

func (s *store) getDashboard(w http.ResponseWriter, r *http.Request) {
	uid := r.PathValue("uid")
	dashboard := s.dashboards[uid]
	if dashboard == nil {
		fail(w, http.StatusNotFound, "not-found", "Dashboard not found")
		return
	}
	meta := &models.DashboardMeta{FolderUID: s.folderOf[uid], URL: "/d/" + uid, Version: dashboard["version"].(int64)}
	answer(w, http.StatusOK, &models.DashboardFullWithMeta{Dashboard: dashboard, Meta: meta})
}

func (s *store) createFolder(w http.ResponseWriter, r *http.Request) {
	command := &models.CreateFolderCommand{}
	if !take(w, r, command) {
		return
	}
	if s.folders[command.UID] != nil {
		fail(w, http.StatusPreconditionFailed, "version-mismatch", "the folder has been changed by someone else")
		return
	}
	s.folders[command.UID] = &models.Folder{UID: command.UID, Title: command.Title, URL: "/dashboards/f/" + command.UID, Version: 1}
	answer(w, http.StatusOK, s.folders[command.UID])
}

func (s *store) getFolder(w http.ResponseWriter, r *http.Request) {
	folder := s.folders[r.PathValue("folder_uid")]
	if folder == nil {
		fail(w, http.StatusNotFound, "not-found", "folder not found")
		return
	}
	answer(w, http.StatusOK, folder)
}

func (s *store) postAnnotation(w http.ResponseWriter, r *http.Request) {
	command := &models.PostAnnotationsCmd{}
	if !take(w, r, command) {
		return
	}
	s.annotations = append(s.annotations, command)
	message, id := "Annotation added", int64(len(s.annotations))
	answer(w, http.StatusOK, &models.PostAnnotationOKBody{ID: &id, Message: &message})
}

func answer(w http.ResponseWriter, status int, body validated) {
	if err := body.Validate(strfmt.Default); err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", runtime.JSONMime)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func fail(w http.ResponseWriter, status int, cause string, message string) {
	answer(w, status, &models.ErrorResponseBody{Message: &message, Status: cause})
}
