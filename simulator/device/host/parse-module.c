#include "parse-module.h"

#include "byte-code-cache.h"
#include "native-pass.h"

#ifdef mxDebug
enum { parser_flags = mxCFlag | mxStrictFlag | mxDebugFlag };
#else
enum { parser_flags = mxCFlag | mxStrictFlag };
#endif

/* XS's parser reports through a function without an argument of ours. */
static struct parse_error* reporting;

void parse_set_error(struct parse_error* error, const char* format, ...)
{
	if (error->message[0])
		return;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(error->message, sizeof(error->message), format, arguments);
	va_end(arguments);
}

static void report(void* console, txString path, txInteger line, txString format, va_list arguments)
{
	(void)console;
	if (reporting->message[0])
		return;
	int length = snprintf(reporting->message, sizeof(reporting->message), "%s:%d: ", path ? path : "", (int)line);
	if (length > 0 && length < (int)sizeof(reporting->message))
		vsnprintf(reporting->message + length, sizeof(reporting->message) - (size_t)length, format, arguments);
}

char* parse_read_file(const char* path, struct parse_error* error)
{
	FILE* file = fopen(path, "rb");
	char* content = NULL;
	long size = -1;
	if (file && fseek(file, 0, SEEK_END) == 0)
		size = ftell(file);
	if (size >= 0 && fseek(file, 0, SEEK_SET) == 0)
		content = malloc((size_t)size + 1);
	if (content && fread(content, 1, (size_t)size, file) == (size_t)size)
		content[size] = '\0';
	else {
		free(content);
		content = NULL;
		parse_set_error(error, "%s cannot be read: %s", path, strerror(errno));
	}
	if (file)
		fclose(file);
	return content;
}

#ifdef mxDebug

/* Stack traces show the file that was written, not the one that was compiled from it: see tsconfig.json, sourceMap. */
static void use_source_map(txParser* parser, const char* path, txString map_name)
{
	char joined[PATH_MAX], source[PATH_MAX];
	const char* slash = strrchr(path, '/');
	int folder = slash ? (int)(slash - path) + 1 : 0;
	if (snprintf(joined, sizeof(joined), "%.*s%s", folder, path, map_name) >= (int)sizeof(joined))
		return;
	FILE* map = fopen(joined, "rb");
	if (!map)
		return;
	txString name = NULL;
	fxParserSourceMap(parser, map, (txGetter)fgetc, parser_flags, &name);
	fclose(map);
	if (!name || snprintf(joined, sizeof(joined), "%.*s%s", folder, path, name) >= (int)sizeof(joined))
		return;
	if (!realpath(joined, source))
		return;
	/* Short where that is possible: the path from the current folder. */
	char here[PATH_MAX];
	const char* shown = source;
	if (getcwd(here, sizeof(here))) {
		size_t length = strlen(here);
		if (strncmp(source, here, length) == 0 && source[length] == '/')
			shown = source + length + 1;
	}
	parser->path = fxNewParserSymbol(parser, (txString)shown);
}

#endif

struct text_stream {
	const unsigned char* next;
};

static int get_text(void* stream)
{
	struct text_stream* text = stream;
	return *text->next ? *text->next++ : C_EOF;
}

static void prepare_tree(txParser* parser, const char* path, const char* text)
{
	struct text_stream stream = { .next = (const unsigned char*)text };
	txString map_name = NULL;
	parser->path = fxNewParserSymbol(parser, (txString)path);
	fxParserTree(parser, &stream, get_text, parser_flags, &map_name);
	native_pass(parser);
#ifdef mxDebug
	if (map_name)
		use_source_map(parser, path, map_name);
#endif
	fxParserHoist(parser);
	fxParserBind(parser);
}

static txScript* parse(txMachine* the, const char* path, const char* text, struct parse_error* error)
{
	txParser parser;
	txParserJump jump;
	txScript* volatile script = NULL;
	reporting = error;
	fxInitializeParser(&parser, the, the->parserBufferSize, the->parserTableModulo);
	parser.firstJump = &jump;
	parser.reportError = report;
#if XS_MAJOR_VERSION >= 17
	parser.reportWarning = report;
#endif
	if (setjmp(jump.jmp_buf) == 0) {
		prepare_tree(&parser, path, text);
		script = fxParserCode(&parser);
	}
	fxTerminateParser(&parser);
	if (error->message[0] && script) {
		fxDeleteScript(script);
		script = NULL;
	}
	if (!script)
		parse_set_error(error, "%s: not enough memory to load it", path);
	return script;
}

txScript* parse_module(txMachine* the, const char* path, struct parse_error* error)
{
	char* text = parse_read_file(path, error);
	if (!text)
		return NULL;
	txScript* script = byte_code_recall(path, text);
	if (!script) {
		script = parse(the, path, text, error);
		if (script)
			byte_code_keep(path, text, script);
	}
	free(text);
	return script;
}

txScript* parse_json_module(txMachine* the, const char* name, const char* json, struct parse_error* error)
{
	static const char before[] = "export default JSON.parse(\"", after[] = "\");\n";
	/* A byte becomes at most six: \u0000. */
	char* text = malloc(sizeof(before) + strlen(json) * 6 + sizeof(after));
	if (!text) {
		parse_set_error(error, "%s: not enough memory to load it", name);
		return NULL;
	}
	char* end = stpcpy(text, before);
	for (; *json; json++) {
		if (*json == '"' || *json == '\\' || (unsigned char)*json < ' ')
			end += sprintf(end, "\\u%04x", (unsigned char)*json);
		else
			*end++ = *json;
	}
	strcpy(end, after);
	txScript* script = parse(the, name, text, error);
	free(text);
	return script;
}
