-- A document as plain text: a heading is a line of its own behind a mark that no XML can hold, a table has a line for
-- each row, a footnote stands where it is called. Pictures, raw code of other formats and addresses are left out.

local MARK, SEPARATOR = "\30", "\31"

local function one_line(inlines)
  return (pandoc.utils.stringify(inlines):gsub("%s+", " "))
end

function Header(header)
  local slide = header.identifier:match("^slide%-(%d+)$") or ""
  local line = MARK .. header.level .. SEPARATOR .. slide .. SEPARATOR .. one_line(header.content)
  return pandoc.Para { pandoc.Str(line) }
end

local function flat(blocks)
  for _, block in ipairs(blocks) do
    if block.t ~= "Plain" and block.t ~= "Para" then
      return (pandoc.write(pandoc.Pandoc(blocks), "plain", { wrap_text = "none" }):gsub("%s+", " "))
    end
  end
  return one_line(pandoc.utils.blocks_to_inlines(blocks, { pandoc.Space() }))
end

local function line_of(row)
  return pandoc.Str(table.concat(pandoc.List(row.cells):map(function(cell) return flat(cell.contents) end), " | "))
end

function Table(tbl)
  local lines = pandoc.List()
  local function add(rows)
    for _, row in ipairs(rows) do lines:insert({ line_of(row) }) end
  end
  add(tbl.head.rows)
  for _, body in ipairs(tbl.bodies) do
    add(body.head)
    add(body.body)
  end
  add(tbl.foot.rows)
  local blocks = pandoc.Blocks(tbl.caption.long)
  blocks:insert(pandoc.LineBlock(lines))
  return blocks
end

function Note(note)
  return pandoc.Str(" (" .. flat(note.content) .. ")")
end

function Link(link) return link.content end
function Image() return {} end
function RawBlock() return {} end
function RawInline() return {} end
