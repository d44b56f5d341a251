{{/* The services, in the order of the data. */}}
{{- define "lapwing.services" -}}
ingestor detector drift alerter trainer reporter pods
{{- end }}

{{- define "lapwing.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}
{{- end }}

{{- define "lapwing.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "lapwing.labels" -}}
{{ include "lapwing.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: lapwing
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "lapwing.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ default (include "lapwing.fullname" .) .Values.serviceAccount.name }}{{ else }}{{ default "default" .Values.serviceAccount.name }}{{ end }}
{{- end }}

{{- define "lapwing.image" -}}
{{- $image := .Values.image }}
{{- with $image.registry }}{{ . }}/{{ end }}{{ $image.repository }}{{ if $image.digest }}@{{ $image.digest }}{{ else }}:{{ default .Chart.AppVersion $image.tag }}{{ end }}
{{- end }}

{{/* lapwing.yaml: what the chart knows, and the configuration of the user over it. */}}
{{- define "lapwing.config" -}}
{{- $known := dict
  "http" (dict "host" .Values.http.host)
  "kafka" (dict "brokers" .Values.kafka.brokers "topic_prefix" .Values.kafka.topicPrefix "partitions" (int .Values.kafka.partitions))
  "alerter" (dict "page_url" (include "lapwing.pageUrl" .))
  "trainer" (dict "artefact_folder" "/var/lib/lapwing")
}}
{{- if .Values.reporter.persistence.enabled }}{{ $_ := set $known "reporter" (dict "data_dir" "/var/lib/lapwing") }}{{ end }}
{{- with .Values.pods.namespaces }}{{ $_ := set $known "pods" (dict "namespaces" .) }}{{ end }}
{{- mergeOverwrite $known (deepCopy .Values.config) | toYaml }}
{{- end }}

{{- define "lapwing.pageUrl" -}}
{{- if .Values.ingress.enabled }}{{ if .Values.ingress.tls }}https{{ else }}http{{ end }}://{{ .Values.ingress.host }}{{ else }}http://{{ include "lapwing.fullname" . }}-reporter.{{ .Release.Namespace }}.svc:{{ include "lapwing.port" (list . "reporter") }}{{ end }}
{{- end }}

{{/* (list $ service): the port it listens on. */}}
{{- define "lapwing.port" -}}
{{- $root := index . 0 }}{{ $service := index . 1 }}
{{- $defaults := dict "ingestor" 8081 "detector" 8082 "drift" 8083 "alerter" 8084 "trainer" 8086 "reporter" 8080 "pods" 8087 }}
{{- dig $service "port" (get $defaults $service) $root.Values.config | int }}
{{- end }}

{{/* (list $ section key): a setting, wherever it stands: in its section or at the top level, as in the flat form. */}}
{{- define "lapwing.setting" -}}
{{- $config := (index . 0).Values.config }}{{ $section := index . 1 }}{{ $key := index . 2 }}
{{- default (get $config $key) (dig $section $key "" $config) }}
{{- end }}

{{/* Port of an address such as https://host:9090/path. */}}
{{- define "lapwing.portOfUrl" -}}
{{- $url := urlParse . }}
{{- if contains ":" $url.host }}{{ last (splitList ":" $url.host) }}{{ else if eq $url.scheme "https" }}443{{ else }}80{{ end }}
{{- end }}

{{/* Most replicas that a service can have, by whichever way it is scaled. */}}
{{- define "lapwing.maxReplicas" -}}
{{- if dig "autoscaling" "enabled" false . }}{{ .autoscaling.maxReplicas }}{{ else if dig "keda" "enabled" false . }}{{ .keda.maxReplicaCount }}{{ else }}{{ .replicaCount }}{{ end }}
{{- end }}

{{/* Sets of values that would not work, told before anything is installed. */}}
{{- define "lapwing.validate" -}}
{{- if not .Values.kafka.brokers }}{{ fail "kafka.brokers: expected host:port of one or more brokers, such as --set 'kafka.brokers={kafka:9092}'" }}{{ end }}
{{- range $service := splitList " " (include "lapwing.services" .) }}
{{- $values := index $.Values $service }}
{{- if and (dig "autoscaling" "enabled" false $values) (dig "keda" "enabled" false $values) }}{{ fail (printf "%s: autoscaling and keda are both enabled; expected one of them" $service) }}{{ end }}
{{- if gt (include "lapwing.maxReplicas" $values | int) (int $.Values.kafka.partitions) }}{{ fail (printf "%s: %s replicas are more than kafka.partitions (%d); the others would have nothing to do" $service (include "lapwing.maxReplicas" $values) (int $.Values.kafka.partitions)) }}{{ end }}
{{- if and (dig "persistence" "enabled" false $values) (gt (include "lapwing.maxReplicas" $values | int) 1) }}
{{- if eq $service "reporter" }}{{ fail "reporter: several replicas cannot share an SQLite file; set reporter.persistence.enabled=false or reporter.replicaCount=1" }}{{ end }}
{{- if not (has "ReadWriteMany" $values.persistence.accessModes) }}{{ fail (printf "%s: several replicas share one volume; set %s.persistence.accessModes to [ReadWriteMany]" $service $service) }}{{ end }}
{{- end }}
{{- end }}
{{- if and .Values.reporter.persistence.enabled (hasKey .Values.reporter.secretEnv "LAPWING__REPORTER__POSTGRES_URL") }}{{ fail "reporter: the history is in PostgreSQL or on a volume; set reporter.persistence.enabled=false" }}{{ end }}
{{- range $setting := list (list "alerter" "slack_webhook_url") (list "alerter" "slack_bot_token") (list "alerter" "slack_signing_secret") (list "alerter" "feedback_token") (list "reporter" "postgres_url") (list "ingestor" "prometheus_bearer_token") }}
{{- if include "lapwing.setting" (prepend $setting $) }}{{ fail (printf "config: %s is secret and would be readable in a ConfigMap; put it into %s.secretEnv as LAPWING__%s__%s, or into %s.existingSecret" (last $setting) (first $setting) (upper (first $setting)) (upper (last $setting)) (first $setting)) }}{{ end }}
{{- end }}
{{- end }}
